"""Everything between running streams and the page, wired: the monitor of one host."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Protocol, runtime_checkable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from ..plugin import Source
from ..runtime.host import Host
from ..storage.recorder import Recorder
from ..streaming.observer import Observer
from .collector import Collector
from .downloads import recordings
from .guard import Address
from .hub import Hub
from .metrics import Metrics
from .server import Server, application

STALLED_S = 10.0  # no turn for so long: the streams stand still


@runtime_checkable
class PageSource(Protocol):
    """A source whose audio the page sends.

    ``serve`` says that connections will come; ``listen`` takes one from its beginning to its end.
    """

    def serve(self) -> None: ...

    async def listen(self, socket: WebSocket) -> None: ...


class Dashboard:
    """A context in which ``host``'s streams are on the page at ``url``, once ``observers`` look on."""

    def __init__(
        self,
        host: Host,
        sources: Sequence[Source],
        address: Address,
        *,
        recorder: Recorder | None = None,
        certificate: str | None = None,
        key: str | None = None,
    ) -> None:
        microphones = [source for source in sources if isinstance(source, PageSource)]
        routes: list[BaseRoute] = [WebSocketRoute("/microphone", source.listen) for source in microphones[:1]]
        for source in microphones[:1]:
            source.serve()
        self.hub = Hub()
        self._collector = Collector(self.hub, host, recorder=recorder, microphone=bool(microphones))
        self._metrics = Metrics(host, self.hub)
        routes.append(Route("/metrics", self._figures))
        if recorder is not None:
            recorder.tell = self._collector.recording_ended
            routes.append(recordings(recorder))
        app = application(self.hub, address, routes=routes, alive=self._alive)
        self._server = Server(app, address, certificate=certificate, key=key)
        self.url = self._server.url
        self.observers: list[Observer] = [self._collector, self._metrics]
        self._open = ExitStack()

    def _alive(self) -> bool:
        return time.monotonic() - self._collector.turned_s < STALLED_S

    async def _figures(self, request: Request) -> Response:
        page, kind = self._metrics.page()
        return Response(page, media_type=kind)

    def __enter__(self) -> Dashboard:
        self._open.enter_context(self._server)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

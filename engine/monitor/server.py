"""The server of the page: static files, a WebSocket of messages, metrics, health, downloads.

It runs in a thread of its own, beside the one that computes, and only ever reads what the hub keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ..errors import ConfigError
from .guard import Address, Guard
from .hub import Hub, Viewer

log = logging.getLogger("stimmung.monitor")

PAGE = Path(__file__).parent / "page"
LARGEST_FRAME = 1 << 16  # bytes; of a WebSocket, either way in
SILENT_S = 10.0  # a connection that has asked for nothing by then is closed
PING_S = 20.0  # a client that does not answer a ping for so long is gone
MOST_CONNECTIONS = 512
STOP_S = 3


class Watch(msgspec.Struct, forbid_unknown_fields=True):
    """All that a page may say: which stream it shows."""

    watch: str


def application(
    hub: Hub, address: Address, *, routes: Sequence[BaseRoute] = (), alive: Callable[[], bool] = lambda: True
) -> Starlette:
    """The page at ``/``, its messages at ``/messages``, ``/health``, and ``routes``."""

    async def messages(socket: WebSocket) -> None:
        await socket.accept()
        await look_on(hub, socket)

    async def health(request: Request) -> Response:
        lives = alive()
        return JSONResponse({"status": "ok" if lives else "stopped"}, 200 if lives else 503)

    async def page(request: Request) -> Response:
        return FileResponse(PAGE / "index.html", headers={"cache-control": "no-cache"})

    async def plotly(request: Request) -> Response:
        return FileResponse(
            _plotly(), media_type="text/javascript", headers={"cache-control": "max-age=86400"}
        )

    return Starlette(
        routes=[
            Route("/", page),
            Route("/health", health),
            Route("/plotly.min.js", plotly),
            WebSocketRoute("/messages", messages),
            *routes,
            Mount("/page", StaticFiles(directory=PAGE)),
        ],
        middleware=[Middleware(Guard, address=address)],
    )


async def look_on(hub: Hub, socket: WebSocket) -> None:
    """Sends everything that concerns one viewer until it leaves or says what it must not.

    A text frame is a JSON array of messages. All that a viewer may send is ``{"watch": STREAM}``.
    """
    loop, waiting = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(waiting.set)

    viewer = Viewer(wake)

    async def tell() -> None:
        while True:
            await waiting.wait()
            waiting.clear()
            queued = hub.take(viewer)
            if queued:
                await socket.send_text((b"[" + b",".join(queued) + b"]").decode())

    hub.join(viewer)
    telling = asyncio.create_task(tell())
    try:
        while True:
            asked = msgspec.json.decode(await socket.receive_text(), type=Watch)
            hub.watch(viewer, asked.watch)
    except (msgspec.DecodeError, KeyError):  # KeyError: a binary frame has no text
        await _close(socket, 1008, 'expected {"watch": STREAM}')
    except WebSocketDisconnect:
        pass
    finally:
        hub.leave(viewer)
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await telling


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may be gone already
        await socket.close(code, reason)


class Impatient(H11Protocol):
    """HTTP that hangs up on whoever connects and then asks for nothing."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.loop.call_later(SILENT_S, self._hang_up)

    def _hang_up(self) -> None:
        asked: object = self.cycle  # None until a request is whole
        # Once a WebSocket is spoken, the transport belongs to another protocol.
        if asked is None and self.transport.get_protocol() is self:
            self.transport.abort()


class Abrupt(WebSocketsSansIOProtocol):
    """A WebSocket that is torn down when its client no longer reads: a polite close would wait for ever."""

    def keepalive_timeout(self) -> None:
        self.transport.abort()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.close":
            self.loop.call_later(SILENT_S, self.transport.abort)


class Server:
    """A context in which the application is served from a thread; ``url`` is its address."""

    def __init__(
        self, app: Starlette, address: Address, *, certificate: str | None = None, key: str | None = None
    ) -> None:
        self._socket = _bind(address)
        host, port = self._socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if certificate else 'http'}://{shown}:{port}/"
        config = uvicorn.Config(
            app,
            http=Impatient,
            ws=Abrupt,
            ws_max_size=LARGEST_FRAME,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=STOP_S,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
        )
        self._server = uvicorn.Server(config)
        serve = functools.partial(self._server.run, sockets=[self._socket])
        self._thread = threading.Thread(target=serve, name="monitor", daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def _bind(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address.host, address.port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"cannot listen on {address.host}:{address.port}",
            got=error.strerror or str(error),
            remedy="choose another port with --listen, 0 for any that is free",
        ) from error
    return bound


@functools.cache
def _plotly() -> Path:
    """Plotly's JavaScript, as its Python package brings it."""
    return Path(str(resources.files("plotly") / "package_data" / "plotly.min.js"))

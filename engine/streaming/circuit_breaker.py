"""A plugin that a stream has to itself, kept from taking the stream with it.

A detector or a transcriber hears a stream's audio in order. One that raises, hangs or dies is replaced by
a fresh one, which hears the stream from its next block on, as after a gap. One that fails ``MAX_FAILURES``
times in a row is parked: it is not asked again, and the stream goes on without it. What a plugin raises
depends on the audio alone, so a replay repeats it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..calls.bus import Answer
from ..calls.instances import Instance
from ..calls.pending import Calls
from ..calls.stateful import Request, Response
from ..errors import InputError
from ..types import Span
from .ledger import Edge

MAX_FAILURES = 5


@dataclass(slots=True)
class Continuity:
    """Since when the present instance has listened, and up to where what was said is settled."""

    since: int = 0
    _settled: int = 0
    _told: bool = False
    _replaced: bool = False

    def lost(self, stop: int) -> None:
        """The instance failed, and a fresh one listens from ``stop`` on."""
        self.since, self._replaced = stop, True

    def heard(self, request: Request, response: Response) -> Span | None:
        """An answer came; the span that is lost where a fresh instance gave it that nobody asked for."""
        lost = None
        if response.fresh and self._told and not self._replaced:
            start = request.span.start
            lost = Span(min(max(self.since, self._settled), start), start, request.span.rate)
            self.since = start
        self._told, self._replaced = True, False
        if response.sentences or response.flags is not None:
            self._settled = response.sentences[-1].stop if response.sentences else request.span.stop
        return lost


class CircuitBreaker:
    """Requests to the ``instance`` that a stream has of a plugin; ``edge`` counts them, among ``calls``.

    ``tell`` gets the span that it lost, the reason and the error.
    """

    def __init__(
        self, what: str, instance: Instance, calls: Calls, edge: Edge, tell: Callable[[Span, str, str], None]
    ) -> None:
        self._what, self._instance, self._calls, self._edge, self._tell = what, instance, calls, edge, tell
        self._failures, self._continuity = 0, Continuity()
        self._spoilt, self._unfit = False, ""
        self.waiting = 0

    @property
    def hop(self) -> int:
        """Samples from one flag of a detector to the next."""
        return self._instance.hop

    @property
    def since(self) -> int:
        """The position from which the present instance has listened."""
        return self._continuity.since

    @property
    def parked(self) -> bool:
        """True when it failed too often to be asked again."""
        return self._failures >= MAX_FAILURES

    def ask(self, request: Request, then: Callable[[Response | None], None]) -> None:
        """Hands the answer to ``then``, at once or later, in order; None when it is lost."""
        self._edge.receive()
        if self.parked or self._spoilt:
            self._edge.drop("parked" if self.parked else "unfit")
            then(None)
            return
        self.waiting += 1
        self._calls.put(partial(self._instance.ask, request), partial(self._answered, request, then))

    def leave(self) -> None:
        """The stream has ended."""
        self._instance.leave()

    def check(self) -> None:
        """Raises InputError, once, when the input was found unfit."""
        error, self._unfit = self._unfit, ""
        if error:
            raise InputError(error)

    def _answered(self, request: Request, then: Callable[[Response | None], None], answer: Answer) -> None:
        self.waiting -= 1
        if answer.response is None:
            self._lost(request.span, answer)
        else:
            self._edge.process()
            self._failures = 0
            span = self._continuity.heard(request, answer.response)
            if span is not None:
                self._tell(span, "restarted", f"{self._what} began anew: its process was replaced")
        then(answer.response)

    def _lost(self, span: Span, answer: Answer) -> None:
        self._edge.drop(answer.reason)
        if answer.reason == "unfit":
            self._unfit = self._unfit if self._spoilt else answer.error
            self._spoilt = True
            return
        error = answer.error
        if answer.reason != "late":
            self._failures += 1
            self._continuity.lost(span.stop)
            error += "; it is parked" if self.parked else ""
        self._tell(span, answer.reason, error)

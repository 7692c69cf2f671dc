"""A plugin that a stream has to itself, kept from taking the stream with it.

A detector or a transcriber hears a stream's audio in order and is asked here, not on the bus. One that
raises is replaced by a fresh one, which hears the stream from its next block on, as after a gap. One that
fails ``MAX_FAILURES`` times in a row is parked: it is not asked again, and the stream goes on without it.
All of it depends on the audio alone, so a replay repeats it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .errors import InputError
from .ledger import Edge
from .registry import origin_of
from .types import Span

P = TypeVar("P")
R = TypeVar("R")
MAX_FAILURES = 5


class Guarded(Generic[P]):
    """The present instance of a plugin; ``edge`` counts what it is asked, ``tell`` hears of what it loses.

    ``build`` makes an instance, the first at once. ``tell`` gets the span lost, the reason and the error.
    ``since`` is the position from which the present instance has listened.
    """

    def __init__(
        self, what: str, build: Callable[[], P], edge: Edge, tell: Callable[[Span, str, str], None]
    ) -> None:
        self._what, self._build, self._edge, self._tell = what, build, edge, tell
        self._failures, self.since = 0, 0
        self._stale = False
        self.present = build()

    @property
    def parked(self) -> bool:
        """True when it failed too often to be asked again."""
        return self._failures >= MAX_FAILURES

    def renew(self) -> P:
        """A fresh instance, for audio that begins anew."""
        self.present = self._build()
        self._stale = False
        return self.present

    def ask(self, span: Span, question: Callable[[P], R]) -> R | None:
        """The answer to a question about ``span``; None when it is lost. InputError is the input's fault."""
        self._edge.receive()
        if self.parked:
            self._edge.drop("parked")
            return None
        try:
            answer = question(self.renew() if self._stale else self.present)
        except InputError:
            self._edge.drop("unfit")
            raise
        except Exception as error:  # a plugin may raise anything; it is named and the stream goes on
            self._failed(span, error)
            return None
        self._failures = 0
        self._edge.process()
        return answer

    def _failed(self, span: Span, error: Exception) -> None:
        self._failures, self.since, self._stale = self._failures + 1, span.stop, True
        self._edge.drop("failed")
        after = "it is parked" if self.parked else f"correct it in {origin_of(self.present)}"
        said = f"{self._what} failed, got {type(error).__name__}: {error}; {after}"
        self._tell(span, "failed", said)

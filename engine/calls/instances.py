"""Where the instance that a stream has of a plugin lives: in this process, or in one of the plugin's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, Protocol

from ..errors import InputError
from ..registry import origin_of
from ..types import Span
from .bus import Answer, Bus, Then
from .spec import Facts
from .stateful import Ask, Question, perform


class Seat(Protocol):
    """Questions in, answers out, in the order of the questions as long as the instance lives."""

    @property
    def hop(self) -> int:
        """Samples from one flag of a detector to the next; 0 of a transcriber."""
        ...

    def ask(self, question: Question, then: Then) -> None:
        """Puts a question; its answer goes to ``then``, once."""
        ...

    def leave(self) -> None:
        """The stream has ended: the instance may go."""
        ...


class Near:
    """An instance in this process, asked at once. ``build`` makes one, the first at once.

    One that raised is replaced before it is asked again. ``what`` names the plugin.
    """

    def __init__(self, what: str, build: Callable[[], Any]) -> None:
        self._what, self._build = what, build
        self._present = build()
        self._asked = self._stale = False

    @property
    def hop(self) -> int:
        hop: int = getattr(self._present, "hop", 0)
        return hop

    def ask(self, question: Question, then: Then) -> None:
        then(self._answer(question))

    def leave(self) -> None:
        pass

    def _answer(self, question: Question) -> Answer:
        try:
            if self._stale or (question.anew and self._asked):
                self._present = self._build()
            self._asked, self._stale = True, False
            return Answer(None, told=perform(self._present, question))
        except InputError as error:
            return Answer(None, "unfit", str(error))
        except Exception as error:  # a plugin may raise anything; it is named and the stream goes on
            self._stale = True
            said = f"{self._what} failed, got {type(error).__name__}: {error}"
            return Answer(None, "failed", f"{said}; correct it in {origin_of(self._present)}")


class Far:
    """An instance in a process that ``bus`` calls ``plugin``, and knows by the number ``instance``."""

    def __init__(
        self, bus: Bus, facts: Facts, instance: int, origin: str | None, live: bool, left: Callable[[], None]
    ) -> None:
        self._bus, self._plugin, self.hop = bus, facts.name, facts.hop
        self._instance, self._origin, self._live, self._left = instance, origin, live, left

    def open(self, rate: int) -> None:
        """Waits until the instance is there; raises InputError where it finds nothing to hear."""
        answers: list[Answer] = []
        self.ask(Question("open", Span(0, 0, rate)), answers.append)
        while not answers:
            self._bus.pump(0.1)
        if answers[0].reason == "unfit":
            self.leave()
            raise InputError(answers[0].error)

    def ask(self, question: Question, then: Then) -> None:
        self._bus.submit(Ask(self._plugin, self._instance, question, self._origin, self._live), then)

    def leave(self) -> None:
        self._bus.leave(self._plugin, self._instance)
        self._left()


class Seats:
    """The processes of ``plugin``, ``facts`` of each; every stream gets a seat where the fewest are taken."""

    def __init__(self, bus: Bus, plugin: str, facts: Sequence[Facts]) -> None:
        self.plugin, self.facts = plugin, facts
        self._bus, self._taken, self._numbers = bus, Counter[str](), count()

    def take(self, origin: str | None, *, live: bool) -> Far:
        """A seat for one more stream, read from the file ``origin`` if from any."""
        facts = min(self.facts, key=lambda one: self._taken[one.name])
        self._taken[facts.name] += 1

        def left() -> None:
            self._taken[facts.name] -= 1

        return Far(self._bus, facts, next(self._numbers), origin, live, left)

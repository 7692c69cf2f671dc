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
from .spec import PluginSpec
from .stateful import InstanceRequest, Request, perform


class Instance(Protocol):
    """Requests in, responses out, in the order of the requests as long as the instance lives."""

    @property
    def hop(self) -> int:
        """Samples from one flag of a detector to the next; 0 of a transcriber."""
        ...

    def ask(self, request: Request, then: Then) -> None:
        """Sends a request; its answer goes to ``then``, once."""
        ...

    def leave(self) -> None:
        """The stream has ended: the instance may go."""
        ...


class LocalInstance:
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

    def ask(self, request: Request, then: Then) -> None:
        then(self._answer(request))

    def leave(self) -> None:
        pass

    def _answer(self, request: Request) -> Answer:
        try:
            if self._stale or (request.anew and self._asked):
                self._present = self._build()
            self._asked, self._stale = True, False
            return Answer(None, response=perform(self._present, request))
        except InputError as error:
            return Answer(None, "unfit", str(error))
        except Exception as error:  # a plugin may raise anything; it is named and the stream goes on
            self._stale = True
            said = f"{self._what} failed, got {type(error).__name__}: {error}"
            return Answer(None, "failed", f"{said}; correct it in {origin_of(self._present)}")


class RemoteInstance:
    """An instance in a process that ``bus`` calls ``plugin``, and knows by the number ``instance``."""

    def __init__(
        self,
        bus: Bus,
        facts: PluginSpec,
        instance: int,
        origin: str | None,
        live: bool,
        left: Callable[[], None],
    ) -> None:
        self._bus, self._plugin, self.hop = bus, facts.name, facts.hop
        self._instance, self._origin, self._live, self._left = instance, origin, live, left

    def open(self, rate: int) -> None:
        """Waits until the instance is there; raises InputError where it finds nothing to hear."""
        answers: list[Answer] = []
        self.ask(Request("open", Span(0, 0, rate)), answers.append)
        while not answers:
            self._bus.pump(0.1)
        if answers[0].reason == "unfit":
            self.leave()
            raise InputError(answers[0].error)

    def ask(self, request: Request, then: Then) -> None:
        self._bus.submit(
            InstanceRequest(self._plugin, self._instance, request, self._origin, self._live), then
        )

    def leave(self) -> None:
        self._bus.leave(self._plugin, self._instance)
        self._left()


class InstancePool:
    """The processes of ``plugin``, ``facts`` of each; a stream's instance is where there are the fewest."""

    def __init__(self, bus: Bus, plugin: str, facts: Sequence[PluginSpec]) -> None:
        self.plugin, self.facts = plugin, facts
        self._bus, self._taken, self._numbers = bus, Counter[str](), count()

    def take(self, origin: str | None, *, live: bool) -> RemoteInstance:
        """An instance for one more stream, read from the file ``origin`` if from any."""
        facts = min(self.facts, key=lambda one: self._taken[one.name])
        self._taken[facts.name] += 1

        def left() -> None:
            self._taken[facts.name] -= 1

        return RemoteInstance(self._bus, facts, next(self._numbers), origin, live, left)

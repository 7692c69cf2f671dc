"""What the host knows of each worker, and of each call that has not been answered."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from . import wire
from .ask import Ask
from .ask import Method as Asked
from .bus import Answer, Job, Then
from .call import Call, Facts, Method, expected_shape

MAX_ATTEMPTS = 3


@dataclass(slots=True)
class Open:
    """A call that has not been answered, and how many workers it took with it.

    After ``limit`` of them it is given up: one that listened has heard what it was asked about.
    """

    call: Job
    then: Then
    attempts: int = 0

    @property
    def limit(self) -> int:
        """How many workers it may take with it."""
        return MAX_ATTEMPTS if isinstance(self.call, Call) or self.call.method == "open" else 1


@dataclass(slots=True)
class Peer:
    """A worker that said hello, the calls on their way to it in their order, and the blocks it keeps.

    ``since_s`` is when it began the call it has in hand; ``hung`` is a thread that never came back from one.
    """

    name: str
    credit: int
    remote: bool = False
    retiring: bool = False
    hung: bool = False
    since_s: float = 0.0
    tickets: OrderedDict[int, Method | Asked] = field(default_factory=OrderedDict)
    kept: OrderedDict[int, None] = field(default_factory=OrderedDict)

    @property
    def takes_more(self) -> bool:
        """True when another call may be sent."""
        return not self.retiring and not self.hung and len(self.tickets) < self.credit

    def asked(self, ticket: int, method: Method | Asked) -> None:
        """A call is on its way."""
        if not self.tickets:
            self.since_s = time.monotonic()
        self.tickets[ticket] = method

    def answered(self, ticket: int) -> Method | Asked | None:
        """An answer came: what had been asked, None when nobody had."""
        self.since_s = time.monotonic()
        return self.tickets.pop(ticket, None)

    def keep(self, ticket: int) -> None:
        """The worker answered a describe call, and may answer ``credit`` more before it reads on."""
        self.kept[ticket] = None
        if len(self.kept) > wire.KEEP - self.credit:
            self.kept.popitem(last=False)


def checked(answer: Answer, call: Job, facts: Facts) -> Answer:
    """The answer, or that it failed: a worker may be any program, and say anything."""
    if isinstance(call, Ask):
        return (
            answer
            if _suits(answer, call, facts)
            else Answer(None, "failed", f"plugin '{facts.name}' sent what does not answer {call.method}")
        )
    if answer.values is None:
        return answer
    expected, got = expected_shape(facts, call), answer.values.shape
    error = ""
    if got != expected:
        error = f"plugin '{facts.name}' sent shape {got} for {call.method}, expected {expected}"
    elif not np.isfinite(answer.values).all():
        error = f"plugin '{facts.name}' sent NaN or infinite numbers for {call.method}"
    return Answer(None, "failed", error) if error else answer


def _suits(answer: Answer, ask: Ask, facts: Facts) -> bool:
    told = answer.told
    if told is None or ask.method != "detect":
        return answer.values is None
    return told.flags is not None and len(told.flags) == len(ask.question.samples) // facts.hop

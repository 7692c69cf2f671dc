"""A stream's open calls: each is answered once, and none is waited for longer than it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from stimmung.engine.calls.bus import Answer
from stimmung.engine.calls.pending import Calls

ANSWER = Answer(None, "failed", "no")


class Silent:
    """A bus that never answers by itself."""

    def __init__(self) -> None:
        self.asked: list[Callable[[Answer], None]] = []
        self.pumped = 0

    def submit(self, call: Any, then: Callable[[Answer], None]) -> None:
        self.asked.append(then)

    def pump(self, timeout_s: float = 0.0) -> bool:
        self.pumped += 1
        return False


@pytest.fixture
def bus() -> Silent:
    return Silent()


@pytest.fixture
def calls(bus: Any) -> Calls:
    return Calls(bus)


def submit(calls: Calls, then: Callable[[Answer], None]) -> None:
    call: Any = object()
    calls.submit(call, then)


def test_a_call_is_open_until_it_is_answered_and_answered_once(bus: Silent, calls: Calls) -> None:
    told: list[Answer] = []
    submit(calls, told.append)
    assert len(calls) == 1
    calls.turn()
    assert (len(calls), bus.pumped) == (1, 1)
    for _ in range(2):
        bus.asked[0](ANSWER)
    assert (len(calls), told) == (0, [ANSWER])


def test_at_the_time_to_give_up_what_is_open_is_late_and_so_is_what_comes_of_it(
    bus: Silent, calls: Calls
) -> None:
    told: list[Answer] = []

    def next_one(answer: Answer) -> None:
        told.append(answer)
        submit(calls, told.append)

    submit(calls, next_one)
    calls.give_up_at(time.monotonic())
    while calls:
        calls.turn(3600.0)
    assert [one.reason for one in told] == ["late", "late"]
    assert len(bus.asked) == 1, "nothing is asked any more"
    bus.asked[0](ANSWER)
    assert len(told) == 2


def test_nothing_is_given_up_before_its_time(bus: Silent, calls: Calls) -> None:
    submit(calls, lambda answer: pytest.fail("nobody answered"))
    calls.give_up_at(time.monotonic() + 3600.0)
    calls.turn()
    assert len(calls) == 1

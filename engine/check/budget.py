"""Does a plugin keep up with live speech? CPU seconds on one core, the least of a few tries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from .subject import Subject

BUDGET = 0.5  # CPU seconds for each second of speech, one core: beyond it, live streams fall behind
TRIES = 3


@contextmanager
def stopwatch(spent_s: list[float]) -> Iterator[None]:
    """Appends the CPU seconds of its body."""
    began_s = time.process_time()
    yield
    spent_s.append(time.process_time() - began_s)


def keeps_up(subject: Subject, call: Callable[[list[float]], None], every_s: float, remedy: str) -> None:
    """Raises when a call that a live stream needs every ``every_s`` seconds costs more than the budget.

    ``call`` appends what its timed part cost.
    """
    spent_s: list[float] = []
    call([])  # the first one builds what is built once
    with threadpool_limits(1):
        for _ in range(TRIES):
            call(spent_s)
    if min(spent_s) > BUDGET * every_s:
        raise subject.fault(
            f"it would fall behind live speech, which needs it every {every_s:g} s",
            got=f"{min(spent_s):.2f} CPU seconds for each call",
            expected=f"at most {BUDGET * every_s:g}",
            remedy=remedy,
        )

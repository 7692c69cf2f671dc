"""What one stream has asked of plugins and has not been told, and until when it waits for that."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from itertools import count

from .bus import Answer, Bus, Job, Then

LATE = Answer(None, "late", "the stream was ended before it was answered")


class Calls:
    """The open calls of one stream; as many as ``len`` says.

    Each is answered once: by whoever was asked, or as ``late`` when the stream waits no longer.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._open: dict[int, Then] = {}
        self._numbers = count()
        self._until_s = math.inf

    def __len__(self) -> int:
        return len(self._open)

    def submit(self, call: Job, then: Then) -> None:
        """Hands a call to the bus."""
        self.put(partial(self._bus.submit, call), then)

    def put(self, send: Callable[[Then], None], then: Then) -> None:
        """Asks by ``send``, which is told whom to answer."""
        number = next(self._numbers)
        self._open[number] = then
        if time.monotonic() < self._until_s:
            send(partial(self._answered, number))

    def turn(self, timeout_s: float = 0.0) -> None:
        """Takes the answers that have come, to whatever stream, waiting ``timeout_s`` for a first."""
        left_s = self._until_s - time.monotonic()
        if left_s > 0:
            self._bus.pump(min(timeout_s, left_s))
            return
        for number in [*self._open]:
            self._answered(number, LATE)

    def give_up_at(self, until_s: float) -> None:
        """From then on, by ``time.monotonic``, nothing is asked, and what is open is late."""
        self._until_s = until_s

    def _answered(self, number: int, answer: Answer) -> None:
        then = self._open.pop(number, None)
        if then is not None:
            then(answer)

"""The voice activity of a stretch, asked of a detector block by block."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

import numpy as np

from ..audio.buffer import AudioBuffer
from ..calls.stateful import Request, Response
from ..types import Bools, Span
from .circuit_breaker import CircuitBreaker

Tell = Callable[[Span, Bools], None]


class Activity:
    """The voice-activity flags of one stretch, one a detector's hop."""

    def __init__(self, start: int, detector: CircuitBreaker, rate: int, tell: Tell) -> None:
        self._start, self._detector, self._rate, self._tell = start, detector, rate, tell
        self._hop = detector.hop
        self._flags: deque[bool] = deque()
        self._first = 0
        self._anew, self.waiting = True, False

    @property
    def hop(self) -> int:
        """Samples from one flag to the next."""
        return self._hop

    @property
    def position(self) -> int:
        """The first sample not listened to yet."""
        return self._start + (self._first + len(self._flags)) * self._hop

    def listen(self, buffer: AudioBuffer, end: int) -> bool:
        """Detects in every whole hop up to ``end``; False while the answer is waited for."""
        if self.waiting:
            return False
        count = (end - self.position) // self._hop
        if count:
            span = Span(self.position, self.position + count * self._hop, self._rate)
            request = Request("detect", span, buffer.view(span.start, span.stop), self._anew)
            self._anew, self.waiting = False, True
            self._detector.ask(request, partial(self._detected, span, count))
        return not self.waiting

    def _detected(self, span: Span, count: int, response: Response | None) -> None:
        self.waiting = False
        flags = response.flags if response is not None else None
        if flags is None:  # nobody knows whether it is speech, so nothing is passed over
            flags = np.ones(count, np.bool_)
        self._tell(span, flags)
        self._flags.extend(bool(flag) for flag in flags)

    def share(self, span: Span) -> float:
        """The share of flags set among the hops wholly inside ``span``; 0 when there is none."""
        hop = self._hop
        low = -(-(span.start - self._start) // hop) - self._first
        high = (span.stop - self._start) // hop - self._first
        inside = [self._flags[at] for at in range(low, high)]
        return sum(inside) / len(inside) if inside else 0.0

    def flags(self, start: int) -> list[bool]:
        """The flags that are known from the hop at ``start`` on."""
        return list(self._flags)[(start - self._start) // self._hop - self._first :]

    def forget(self, before: int) -> None:
        """Flags of hops that end before ``before`` will not be asked for again."""
        while self._flags and self._start + (self._first + 1) * self._hop <= before:
            self._flags.popleft()
            self._first += 1

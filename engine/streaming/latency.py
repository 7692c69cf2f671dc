"""When audio arrived, which is what tells how late a state is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

ARRIVALS = 1 << 14  # of frames that are remembered: a stream goes on for days


class LatencyTracker:
    """When the audio of one stream arrived."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stops: list[int] = []
        self._times_s: list[float] = []

    def add(self, stop: int) -> None:
        """The audio up to ``stop`` is here now."""
        if len(self._stops) >= ARRIVALS:
            del self._stops[: ARRIVALS // 2], self._times_s[: ARRIVALS // 2]
        self._stops.append(stop)
        self._times_s.append(self._clock())

    def lag_ms(self, position: int) -> float | None:
        """Wall time since the sample before ``position`` arrived; None where it has not."""
        at = bisect_left(self._stops, position)
        return 1000 * (self._clock() - self._times_s[at]) if at < len(self._stops) else None

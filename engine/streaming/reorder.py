"""The order in which outputs leave a stream."""

from __future__ import annotations

from ..types import Fault, Output


class ReorderBuffer:
    """Outputs leave in the order of their segments: a place is taken when a segment is cut.

    ``live``: whatever is done leaves at once.
    """

    def __init__(self, *, live: bool = False) -> None:
        self._live = live
        self._taken = 0
        self._next = 0
        self._early: dict[int, list[Output]] = {}
        self._outputs: list[Output] = []

    def take(self) -> int:
        """The next place."""
        self._taken += 1
        return self._taken - 1

    def done(self, turn: int, outputs: list[Output]) -> None:
        """All outputs of the segment that took place ``turn``."""
        if self._live:
            self._outputs += outputs
            return
        self._early[turn] = outputs
        while self._next in self._early:
            self._outputs += self._early.pop(self._next)
            self._next += 1

    def interrupt(self, fault: Fault) -> None:
        """A fault leaves at once."""
        self._outputs.append(fault)

    @property
    def waiting(self) -> bool:
        """True while something final was not drained."""
        return bool(self._outputs)

    def drain(self) -> list[Output]:
        """What has become final since."""
        outputs, self._outputs = self._outputs, []
        return outputs

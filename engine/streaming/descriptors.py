"""The descriptor rows of a stretch, collected block by block in any order."""

from __future__ import annotations

from collections import deque

from ..calls.call import Part
from ..types import Floats


class Rows:
    """One frame extractor's descriptor rows over one region: row k sees ``start + [k*hop, k*hop+support)``.

    A turn has rows of its own, as if it were a region. ``single``: every row is a block of its own. Blocks
    are claimed in order with :meth:`claim`; their rows may come back in any order through :meth:`add`. A
    block whose rows were lost leaves a hole, and :meth:`take` says so.
    """

    def __init__(self, start: int, *, hop: int, support: int, single: bool = False) -> None:
        self._start, self._hop, self._support, self._single = start, hop, support, single
        self._claimed = 0
        self._complete = 0
        self._first = 0
        self._early: dict[int, tuple[int, Floats | None, int]] = {}
        self._parts: deque[tuple[int, int, Floats | None, int]] = deque()

    @property
    def needs_from(self) -> int:
        """The first sample the next block's rows see."""
        return self._start + self._claimed * self._hop

    def claim(self, stop: int) -> tuple[int, int] | None:
        """The samples to describe now that audio reaches ``stop``, None while no new row is complete.

        Where every row is a block, ask again until there is none.
        """
        count = min(self._count(stop), self._claimed + 1) if self._single else self._count(stop)
        if count <= self._claimed:
            return None
        first, self._claimed = self._claimed, count
        return self._start + first * self._hop, self._start + (count - 1) * self._hop + self._support

    def add(self, start: int, stop: int, rows: Floats | None, block: int = 0) -> None:
        """The rows of the block claimed as ``(start, stop)`` and their number, None when they were lost."""
        first = (start - self._start) // self._hop
        self._early[first] = (self._count(stop), rows, block)
        while self._complete in self._early:
            begin = self._complete
            self._complete, part, number = self._early.pop(begin)
            self._parts.append((begin, self._complete, part, number))

    def ready(self, stop: int) -> bool:
        """True when every row that ends by ``stop`` has come back or is known to be lost."""
        return self._complete >= self._count(stop)

    def last(self, start: int, stop: int) -> int | None:
        """The end of the last row wholly inside ``[start, stop)``; None when there is none."""
        row = self._count(stop) - 1
        begin = self._start + row * self._hop
        return begin + self._support if row >= 0 and begin >= start else None

    def take(self, start: int, stop: int) -> tuple[Part, ...] | None:
        """The rows wholly inside ``[start, stop)``; None when one of them was lost."""
        low = -(-(start - self._start) // self._hop)
        high = self._count(stop)
        parts = []
        for first, last, rows, block in self._parts:
            if last <= low or first >= high:
                continue
            if rows is None:
                return None
            skipped = max(0, low - first)
            parts.append(Part(block, skipped, rows[skipped : high - first]))
        return tuple(parts)

    def forget(self, before: int) -> None:
        """Rows that begin before ``before`` will not be asked for again."""
        keep = (before - self._start) // self._hop
        while self._parts and self._parts[0][1] <= keep:
            self._parts.popleft()

    def _count(self, stop: int) -> int:
        return max(0, (stop - self._start - self._support) // self._hop + 1)

"""Owns the audio of one region and cuts it into fixed blocks, whatever the size of the frames.

Block ends depend on the clock alone: every ``block`` samples, and wherever a segment ends. So
``describe`` is called on the same samples for any source, which is what makes its rows, and all that
follows from them, the same to the last bit. This module holds the only audio buffer of a stream;
everyone else sees read-only views.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

from .call import Part
from .types import Floats, read_only


class AudioBuffer:
    """The recent audio of one region: append at the end, view any stretch, forget the beginning."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._stop = start
        self._base = start
        self._samples = np.zeros(0, np.float32)

    @property
    def stop(self) -> int:
        """The position after the last sample."""
        return self._stop

    def append(self, samples: Floats) -> None:
        """Takes a copy of ``samples``, (n,)."""
        end = self._stop - self._base
        if end + len(samples) > len(self._samples):
            self._grow(len(samples))
            end = self._stop - self._base
        self._samples[end : end + len(samples)] = samples
        self._stop += len(samples)

    def view(self, start: int, stop: int) -> Floats:
        """A read-only view of ``[start, stop)``, (stop - start,)."""
        if not self._start <= start <= stop <= self._stop:
            raise ValueError(f"[{start}, {stop}) is not in the buffer's [{self._start}, {self._stop})")
        return read_only(self._samples[start - self._base : stop - self._base])

    def forget(self, before: int) -> None:
        """The audio before ``before`` will not be asked for again."""
        self._start = max(self._start, min(before, self._stop))

    def _grow(self, incoming: int) -> None:
        # Views handed out keep the old array alive and unchanged: never move samples in place.
        kept = self._samples[self._start - self._base : self._stop - self._base]
        size = 1 << (2 * (len(kept) + incoming) - 1).bit_length()
        samples = np.empty(size, np.float32)
        samples[: len(kept)] = kept
        self._samples, self._base = samples, self._start


def block_ends(
    start: int, position: int, available: int, block: int, next_cut: Callable[[int], int | None]
) -> Iterator[int]:
    """The ends in ``(position, available]`` of the blocks of a region begun at ``start``."""
    while True:
        end = start + block * ((position - start) // block + 1)
        cut = next_cut(position)
        if cut is not None:
            end = min(end, cut)
        if end > available:
            return
        yield end
        position = end


class Rows:
    """One frame extractor's descriptor rows over one region: row k sees ``start + [k*hop, k*hop+support)``.

    Blocks are claimed in order with :meth:`claim`; their rows may come back in any order through
    :meth:`add`. A block whose rows were lost leaves a hole, and :meth:`take` says so.
    """

    def __init__(self, start: int, *, hop: int, support: int) -> None:
        self._start, self._hop, self._support = start, hop, support
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
        """The samples to describe now that audio reaches ``stop``, None while no new row is complete."""
        count = self._count(stop)
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

    def take(self, start: int, stop: int) -> tuple[Part, ...] | None:
        """The rows wholly inside ``[start, stop)``, at least one; None when one of them was lost."""
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
        return tuple(parts) or None

    def forget(self, before: int) -> None:
        """Rows that begin before ``before`` will not be asked for again."""
        keep = (before - self._start) // self._hop
        while self._parts and self._parts[0][1] <= keep:
            self._parts.popleft()

    def _count(self, stop: int) -> int:
        return max(0, (stop - self._start - self._support) // self._hop + 1)

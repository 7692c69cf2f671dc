"""Owns the audio of one stretch and cuts it into fixed blocks, whatever the size of the frames.

Block ends depend on the clock alone: every ``block`` samples, and wherever a segment ends. So
``describe`` is called on the same samples for any source, which is what makes its rows, and all that
follows from them, the same to the last bit. This module holds the only audio buffer of a stream;
everyone else sees read-only views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ..types import Floats, read_only


class AudioBuffer:
    """The recent audio of one stretch: append at the end, view any stretch, forget the beginning."""

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
    """The ends in ``(position, available]`` of the blocks of a stretch begun at ``start``."""
    while True:
        end = start + block * ((position - start) // block + 1)
        cut = next_cut(position)
        if cut is not None:
            end = min(end, cut)
        if end > available:
            return
        yield end
        position = end

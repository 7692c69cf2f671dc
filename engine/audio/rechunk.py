"""Cuts audio into chunks of one size, for sources whose reads have a size of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ..types import Chunk, Floats


def recut(chunks: Iterable[Chunk], chunk_ms: float | None) -> Iterator[Chunk]:
    """The same audio in chunks of ``chunk_ms`` milliseconds, at least one sample; None changes nothing.

    The last chunk is as short as what is left, and so is the one before a gap, a change of rate or a
    change of channels: those stay where the source put them. When the source fails, what it had
    delivered is delivered before the failure.
    """
    if chunk_ms is None:
        yield from chunks
        return
    held = _Held()
    try:
        for chunk in chunks:
            if not held.continues(chunk):
                yield from held.rest()
            held.add(chunk)
            yield from held.whole(max(1, round(chunk.rate * chunk_ms / 1000)))
    except Exception:
        yield from held.rest()
        raise
    yield from held.rest()


class _Held:
    """Audio waiting to be long enough: (n, channels) pieces of one uninterrupted stretch."""

    def __init__(self) -> None:
        self.pieces: list[Floats] = []
        self.length = 0
        self.rate = 0
        self.start: int | None = None
        self.position = 0

    def continues(self, chunk: Chunk) -> bool:
        """True when ``chunk`` may share a chunk with what is held."""
        if not self.length:
            return True
        alike = (chunk.rate, chunk.samples.shape[1]) == (self.rate, self.pieces[0].shape[1])
        return alike and chunk.start in (None, self.position)

    def add(self, chunk: Chunk) -> None:
        if chunk.start is not None and chunk.start != self.position:
            self.start = self.position = chunk.start
        self.rate = chunk.rate
        self.pieces = [*self.pieces, chunk.samples] if self.length else [chunk.samples]
        self.length += len(chunk.samples)
        self.position += len(chunk.samples)

    def whole(self, size: int) -> Iterator[Chunk]:
        """Every whole chunk of ``size`` samples; what is left stays held."""
        if self.length < size:
            return
        samples = np.concatenate(self.pieces)
        whole = len(samples) - len(samples) % size
        self.pieces, self.length = [samples[whole:]], len(samples) - whole
        for at in range(0, whole, size):
            yield self._chunk(samples[at : at + size])

    def rest(self) -> Iterator[Chunk]:
        """What is held, however short."""
        if self.length:
            samples = np.concatenate(self.pieces)
            self.length = 0
            yield self._chunk(samples)

    def _chunk(self, samples: Floats) -> Chunk:
        start, self.start = self.start, None
        return Chunk(samples, self.rate, start)

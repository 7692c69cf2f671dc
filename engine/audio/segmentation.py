"""Cuts a stream into segments: rolling windows, or each unbroken stretch as a whole; :mod:`.turns` by speech.

A stretch is an unbroken part of the stream's clock: a gap in the input ends one and begins the
next, and every stretch is cut exactly as if the stream had begun there, so no segment ever spans a
gap. A segmenter sees only positions, never audio, which is why the size of the source's chunks
cannot matter.
"""

from __future__ import annotations

from typing import Protocol

from ..types import Span


class Segmenter(Protocol):
    """Positions in, spans of finished segments out; one instance a stretch."""

    def advance(self, position: int) -> list[Span]:
        """The segments that end in the audio up to ``position``, in order of their ends."""
        ...

    def finish(self, position: int) -> list[Span]:
        """What is still to be cut when the stretch ends at ``position``: no tail is lost."""
        ...

    def next_cut(self, position: int) -> int | None:
        """The first position after ``position`` at which a segment ends, None where only the end cuts."""
        ...

    @property
    def needs_from(self) -> int:
        """No later segment begins before this position."""
        ...

    @property
    def origin(self) -> int:
        """Where the stretch begins: descriptor rows are counted from there."""
        ...


class Windows:
    """Windows of ``window`` samples that end every ``hop`` samples, counted from the stretch's start.

    The first windows are shorter: one ends at every hop as soon as ``shortest`` samples have been
    heard, so a listener need not wait for a whole window. When the stretch ends between two hops,
    a last window ends with it.
    """

    def __init__(self, start: int, *, window: int, hop: int, shortest: int, rate: int) -> None:
        self._start, self._window, self._hop = start, window, hop
        self._shortest, self._rate = shortest, rate
        self._last_stop = start
        self._next_stop = start + hop * -(-shortest // hop)

    def advance(self, position: int) -> list[Span]:
        spans = []
        while self._next_stop <= position:
            spans.append(self._ending_at(self._next_stop))
            self._next_stop += self._hop
        return spans

    def finish(self, position: int) -> list[Span]:
        spans = self.advance(position)
        if position > self._last_stop and position - self._start >= self._shortest:
            spans.append(self._ending_at(position))
        return spans

    def next_cut(self, position: int) -> int:
        return self._start + self._hop * ((position - self._start) // self._hop + 1)

    @property
    def origin(self) -> int:
        return self._start

    @property
    def needs_from(self) -> int:
        # A tail window may end right after the last one.
        return max(self._start, self._last_stop - self._window)

    def _ending_at(self, stop: int) -> Span:
        self._last_stop = stop
        return Span(max(self._start, stop - self._window), stop, self._rate)


class Whole:
    """Each stretch of at least ``shortest`` samples is one segment: how utterances are trained on."""

    def __init__(self, start: int, *, shortest: int, rate: int) -> None:
        self._start, self._shortest, self._rate = start, shortest, rate

    def advance(self, position: int) -> list[Span]:
        return []

    def finish(self, position: int) -> list[Span]:
        if position - self._start < self._shortest:
            return []
        return [Span(self._start, position, self._rate)]

    def next_cut(self, position: int) -> None:
        return None

    @property
    def needs_from(self) -> int:
        return self._start

    @property
    def origin(self) -> int:
        return self._start

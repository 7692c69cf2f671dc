"""Cuts a stretch by its voice activity: turns of speech, and the silence between them.

A turn is a run of speech that no pause interrupts; it is padded on both sides. While it runs, a segment is
cut every hop, counted from its start, so that nobody waits for its end; the segment that its end cuts is the
settled one. A cutter sees flags only, one a detector's hop, and decides flag by flag: neither the size of
the source's chunks nor that of the blocks that are listened to can matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..types import Span


@dataclass(frozen=True, slots=True)
class Cut:
    """A segment's span. Its descriptor rows are counted from ``origin``, the start of its turn or stretch.

    ``settled``: no later segment of the turn tells the same better. ``silent``: nobody speaks in it.
    ``too_short``: the turn is none, and gives no segment.
    """

    span: Span
    origin: int
    settled: bool = True
    silent: bool = False
    too_short: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnLengths:
    """In samples: ``hop`` from answer to answer, ``longest`` a multiple of it, ``pause`` that ends a turn.

    ``pad`` is added on both sides of the speech, at most ``pause`` and ``hop``.
    """

    hop: int
    shortest: int
    longest: int
    pause: int
    pad: int


@dataclass(slots=True)
class Turn:
    """One that runs: ``spoken`` is the end of its last speech; up to ``settled`` and ``cut`` it was cut."""

    start: int
    spoken: int
    settled: int
    cut: int
    due: int


class TurnCutter:
    """The turns and silences of a stretch from ``start`` on; ``flag`` samples lie between two flags."""

    def __init__(self, start: int, lengths: TurnLengths, *, flag: int, rate: int) -> None:
        self._start, self._lengths, self._flag, self._rate = start, lengths, flag, rate
        self._turn: Turn | None = None
        self.known = start  # the first sample whose flag has not been heard
        self._ended = start  # the end of the turn before
        self._quiet = start  # silence is cut from here on

    @property
    def origin(self) -> int | None:
        """Where the running turn began."""
        return None if self._turn is None else self._turn.start

    @property
    def needs_from(self) -> int:
        """No later segment begins before this position."""
        turn = self._turn
        if turn is None:
            return min(self._quiet, max(self._ended, self.known - self._lengths.pad))
        if turn.cut == turn.start:  # it may yet be too short, and silence goes on
            return min(self._quiet, turn.start)
        return max(turn.start, turn.cut - self._lengths.longest)

    def next_cut(self, position: int) -> int:
        """The first position after ``position`` at which the flags known so far let a segment end."""
        lengths, turn = self._lengths, self._turn
        ends = [self._quiet + lengths.hop] if turn is None else [turn.due, turn.spoken + lengths.pause]
        heard = (self._start - self._flag * ((self._start - end) // self._flag) for end in ends)
        return min(end for end in heard if end > position)

    def hear(self, flags: Iterable[bool]) -> list[Cut]:
        """Takes the next flags; what they cut, in the order of their ends."""
        return [cut for flag in flags for cut in self._hear(bool(flag))]

    def finish(self, position: int) -> list[Cut]:
        """What is still to be cut when the stretch ends at ``position``: no tail is lost."""
        found = [*self._end(position), *self._silence(position)]
        if position > self._quiet and position - self._start >= self._lengths.shortest:
            found.append(self._silent(position))
        return found

    def _hear(self, speech: bool) -> Iterator[Cut]:
        begin, self.known = self.known, self.known + self._flag
        if speech and self._turn is None:
            start = max(self._ended, begin - self._lengths.pad)
            hop, shortest = self._lengths.hop, self._lengths.shortest
            self._turn = Turn(start, begin, start, start, start + hop * -(-shortest // hop))
        if self._turn is not None:
            if speech:
                self._turn.spoken = self.known
            yield from self._answers(self._turn)
            if self.known - self._turn.spoken >= self._lengths.pause:
                yield from self._end(self.known)
        if self._turn is None:
            yield from self._silence(self.known)

    def _answers(self, turn: Turn) -> Iterator[Cut]:
        """What is due of a running turn, as far as speech is known to reach."""
        longest = self._lengths.longest
        while turn.due <= min(self.known, turn.spoken + self._lengths.pad):
            turn.cut, turn.due = turn.due, turn.due + self._lengths.hop
            settled = turn.cut - turn.settled >= longest
            if settled:
                turn.settled = turn.cut
            span = Span(max(turn.start, turn.cut - longest), turn.cut, self._rate)
            yield Cut(span, turn.start, settled)

    def _end(self, position: int) -> Iterator[Cut]:
        """Ends the turn that runs, if one does; nothing is known to lie beyond ``position``."""
        turn, lengths = self._turn, self._lengths
        if turn is None:
            return
        stop = min(position, turn.spoken + lengths.pad)
        self._turn, self._ended = None, stop
        if stop - turn.start < lengths.shortest:
            yield Cut(Span(turn.start, stop, self._rate), turn.start, too_short=True)
            return
        self._quiet = stop
        if stop > turn.settled:
            skipped = max(0, -(-(stop - turn.start - lengths.longest) // lengths.hop))
            yield Cut(Span(turn.start + skipped * lengths.hop, stop, self._rate), turn.start)

    def _silence(self, position: int) -> Iterator[Cut]:
        """One segment a hop while nobody speaks."""
        while self._quiet + self._lengths.hop <= position:
            yield self._silent(self._quiet + self._lengths.hop)

    def _silent(self, stop: int) -> Cut:
        start, self._quiet = self._quiet, stop
        return Cut(Span(start, stop, self._rate), start, silent=True)

"""Cues → sentences, each with a start and an end: missing times are filled in, overlaps are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .formats.cue import Cue

Splitter = Callable[[str], list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Timed:
    """A sentence and when it was said, in seconds of the recording."""

    text: str
    start_s: float
    stop_s: float


def sentences(cues: Sequence[Cue], split: Splitter, duration_s: float) -> tuple[list[Timed], list[str]]:
    """(the sentences in the order they were said, what was missing or overlapped).

    A sentence may end in the middle of a cue or go over several: within a cue time passes evenly
    from character to character. ``split`` gives the (start, stop) of each sentence in a text.
    """
    notes: list[str] = []
    timed = _without_overlaps(_with_times(cues, duration_s, notes), notes)
    text = " ".join(cue.text for cue in timed)
    starts, at = [], 0
    for cue in timed:
        starts.append(at)
        at += len(cue.text) + 1
    clock = _Clock(starts, timed)
    return [
        Timed(text[start:stop], clock.at(start), clock.at(stop, end=True)) for start, stop in split(text)
    ], notes


class _Clock:
    """When each character of the joined cues is said."""

    def __init__(self, starts: Sequence[int], cues: Sequence[Timed]) -> None:
        self._starts, self._cues = starts, cues

    def at(self, position: int, *, end: bool = False) -> float:
        """The time before the character at ``position``, with ``end`` that after the one before it."""
        inside = position - 1 if end else position
        which = max(k for k, start in enumerate(self._starts) if start <= inside)
        cue = self._cues[which]
        share = min(1.0, (position - self._starts[which]) / len(cue.text))
        return cue.start_s + share * (cue.stop_s - cue.start_s)


def _with_times(cues: Sequence[Cue], duration_s: float, notes: list[str]) -> list[Timed]:
    """Times that are missing are spread by the length of the texts between those that are known."""
    missing = sum(cue.start_s is None or cue.stop_s is None for cue in cues)
    if missing:
        notes.append(f"{missing} of {len(cues)} cues have no times; they were spread over the time between")
    ordered = _in_order(cues, notes)
    starts, stops = [cue.start_s for cue in ordered], [cue.stop_s for cue in ordered]
    for first, last in _gaps(ordered):
        low = starts[first] if starts[first] is not None else (stops[first - 1] if first else 0.0)
        high = stops[last] if stops[last] is not None else duration_s
        if last + 1 < len(ordered) and stops[last] is None:
            high = starts[last + 1]
        low, high = low or 0.0, max(low or 0.0, high or 0.0)
        sizes = [len(cue.text) for cue in ordered[first : last + 1]]
        edges = [low + (high - low) * sum(sizes[:k]) / sum(sizes) for k in range(len(sizes) + 1)]
        for at, (begin, end) in enumerate(pairwise(edges), start=first):
            starts[at], stops[at] = begin, end
    return [
        Timed(cue.text, start or 0.0, max(start or 0.0, stop or 0.0))
        for cue, start, stop in zip(ordered, starts, stops, strict=True)
    ]


def _in_order(cues: Sequence[Cue], notes: list[str]) -> list[Cue]:
    known = [cue.start_s for cue in cues if cue.start_s is not None]
    if known == sorted(known) or len(known) < len(cues):
        return list(cues)
    notes.append("the cues are not in the order of their times; they were sorted")
    return sorted(cues, key=lambda cue: cue.start_s or 0.0)


def _gaps(cues: Sequence[Cue]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of cues whose times are not both known."""
    first: int | None = None
    for at, cue in enumerate(cues):
        unknown = cue.start_s is None or cue.stop_s is None
        if first is not None and (not unknown or cue.start_s is not None):
            yield first, at - 1
            first = None
        if unknown and first is None:
            first = at
        if first is not None and cue.stop_s is not None:
            yield first, at
            first = None
    if first is not None:
        yield first, len(cues) - 1


def _without_overlaps(cues: Sequence[Timed], notes: list[str]) -> list[Timed]:
    """Nobody is heard twice at once: a cue begins when the one before it has ended."""
    cut, overlaps = [], 0
    heard_s = 0.0
    for cue in cues:
        overlaps += cue.start_s < heard_s
        start_s = max(cue.start_s, heard_s)
        heard_s = max(heard_s, cue.stop_s)
        cut.append(replace(cue, start_s=start_s, stop_s=heard_s))
    if overlaps:
        notes.append(f"{overlaps} of {len(cues)} cues overlap the one before; they begin when it ends")
    return cut

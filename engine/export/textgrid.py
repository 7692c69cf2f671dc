"""Praat: one TextGrid a recording, one interval tier a target; stretches without a label are empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .intervals import Interval, Names, Recording, Run


def write(run: Run, out: Path) -> int:
    """One file for each recording."""
    names = Names(".TextGrid")
    for recording in run:
        text = "\n".join(_grid(recording)) + "\n"
        (out / names.of(recording)).write_text(text, encoding="utf-8")
    return names.count


def _grid(recording: Recording) -> Iterator[str]:
    end = f"{recording.stop / recording.rate:.6f}"
    yield from ('File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end}")
    yield from ("tiers? <exists>", f"size = {len(recording.targets)}", "item []:")
    for number, target in enumerate(recording.targets, start=1):
        intervals = list(_filled(recording.tier(target), recording.stop))
        yield f"    item [{number}]:"
        yield '        class = "IntervalTier"'
        yield f"        name = {_quoted(target)}"
        yield "        xmin = 0"
        yield f"        xmax = {end}"
        yield f"        intervals: size = {len(intervals)}"
        for place, interval in enumerate(intervals, start=1):
            yield f"        intervals [{place}]:"
            yield f"            xmin = {interval.start / recording.rate:.6f}"
            yield f"            xmax = {interval.stop / recording.rate:.6f}"
            yield f"            text = {_quoted(interval.label)}"


def _filled(tier: list[Interval], stop: int) -> Iterator[Interval]:
    """The intervals of a tier and the empty ones between them, from 0 to ``stop``."""
    position = 0
    for interval in tier:
        if interval.start > position:
            yield Interval(position, interval.start, "", 0.0)
        yield interval
        position = interval.stop
    if stop > position:
        yield Interval(position, stop, "", 0.0)


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'

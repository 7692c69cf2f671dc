"""WebVTT: one file a recording, one cue an interval, as captions beside the media. W3C, 2019."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .intervals import Names, Recording, Run


def write(run: Run, out: Path) -> int:
    """One file for each recording."""
    names = Names(".vtt")
    for recording in run:
        text = "\n".join(_cues(recording)) + "\n"
        (out / names.of(recording)).write_text(text, encoding="utf-8")
    return names.count


def _cues(recording: Recording) -> Iterator[str]:
    yield "WEBVTT"
    entries = [(own, target) for target in recording.targets for own in recording.tier(target)]
    for own, target in sorted(entries, key=lambda entry: (entry[0].start, entry[1])):
        yield ""
        yield f"{_clock(own.start, recording.rate)} --> {_clock(own.stop, recording.rate)}"
        yield f"{target}: {_escaped(own.label)} ({own.confidence:.2f})"


def _clock(position: int, rate: int) -> str:
    milliseconds = round(1000 * position / rate)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

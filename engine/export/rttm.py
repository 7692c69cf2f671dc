"""RTTM, as speaker diarisation uses it: one file a target, the label in place of the speaker.

NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A: ten fields, the
second the recording, the eighth the name, the ninth the confidence. Fields are separated by spaces, so
those inside a field are escaped as in a URL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from .intervals import SILENT, Recording, Run

SAFE = "/.,;:!?+=@()[]{}äöüÄÖÜß"


def write(run: Run, out: Path) -> int:
    """One file for each target; where nobody speaks there is no line."""
    files: dict[str, TextIO] = {}
    with ExitStack() as stack:
        for recording in run:
            for target in recording.targets:
                if target not in files:
                    path = out / f"{target}.rttm"
                    files[target] = stack.enter_context(path.open("w", encoding="utf-8"))
                files[target].writelines(_lines(recording, target))
    return len(files)


def _lines(recording: Recording, target: str) -> Iterator[str]:
    name = quote(recording.stream, safe=SAFE)
    for own in recording.tier(target):
        if own.label != SILENT:
            start_s, length_s = own.start / recording.rate, (own.stop - own.start) / recording.rate
            label = quote(own.label, safe=SAFE)
            times = f"{start_s:.6f} {length_s:.6f}"
            yield f"SPEAKER {name} 1 {times} <NA> <NA> {label} {own.confidence:.6f} <NA>\n"

"""RTTM, as speaker diarisation uses it: one file a target, the label in place of the speaker.

NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A: ten fields, the
seventh the name, the ninth the confidence. Fields are separated by spaces, so those of a name are escaped as in
a URL.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from .intervals import SILENT, Recording

SAFE = "/.,;:!?+=@()[]{}äöüÄÖÜß"


def write(recordings: list[Recording], out: Path) -> list[Path]:
    """One file for each target; where nobody speaks there is no line."""
    lines: dict[str, list[str]] = {}
    for recording in recordings:
        name = quote(recording.stream, safe=SAFE)
        for target in recording.targets:
            for own in recording.tier(target):
                if own.label == SILENT:
                    continue
                start_s = own.start / recording.rate
                length_s = (own.stop - own.start) / recording.rate
                lines.setdefault(target, []).append(
                    f"SPEAKER {name} 1 {start_s:.6f} {length_s:.6f} <NA> <NA> "
                    f"{quote(own.label, safe=SAFE)} {own.confidence:.6f} <NA>"
                )
    paths = []
    for target, own_lines in lines.items():
        paths.append(out / f"{target}.rttm")
        paths[-1].write_text("\n".join(own_lines) + "\n", encoding="utf-8")
    return paths

"""SubRip and WebVTT: blocks of a line with two times and the lines that are read meanwhile."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from stimmung.engine.errors import InputError

from .cue import Cue, seconds

ARROW = "-->"
# Formatting, speaker and karaoke tags of both formats, and SubRip's {\an8} positions.
TAGS = re.compile(r"<[^>\n]*>|\{\\[^}\n]*\}")
UNSPOKEN = ("WEBVTT", "NOTE", "STYLE", "REGION")


def read_srt(text: str, where: str) -> list[Cue]:
    """Cues of a SubRip file."""
    return list(_cues(text, where, ()))


def read_vtt(text: str, where: str) -> list[Cue]:
    """Cues of a WebVTT file; its notes, styles and regions are no speech."""
    first = text.split("\n", 1)[0]
    if not first.startswith("WEBVTT"):
        raise InputError(f"{where} is not WebVTT", got=f"'{first[:40]}'", expected="WEBVTT in the first line")
    return list(_cues(text, where, UNSPOKEN))


def _cues(text: str, where: str, unspoken: tuple[str, ...]) -> Iterator[Cue]:
    """The cue of every block that has a line of times and does not begin with an ``unspoken`` word."""
    number = 1
    for block in re.split(r"\n(?=\s*\n)", text):
        lines = block.split("\n")
        times = next((at for at, line in enumerate(lines) if ARROW in line), None)
        if times is not None and not block.lstrip().startswith(unspoken):
            start, stop = lines[times].split(ARROW, 1)
            at = f"{where} line {number + times}"
            words = html.unescape(TAGS.sub("", " ".join(lines[times + 1 :])))
            cue = Cue(" ".join(words.split()), seconds(start, at), seconds((stop.split() or [""])[0], at))
            if cue.text:
                yield cue
        number += len(lines)

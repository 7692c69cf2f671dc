"""Transcript files of six formats → cues in seconds.

Plain text, SubRip (.srt), WebVTT (.vtt), NIST CTM (.ctm), Praat TextGrid and tables with times
(.csv, .tsv). Markup is removed; times a file does not give stay None.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stimmung.engine.errors import InputError

from .cue import Cue
from .subtitles import read_srt, read_vtt
from .tables import read_csv, read_ctm
from .textgrid import read_textgrid

__all__ = ["READERS", "Cue", "read_transcript"]

Reader = Callable[[str, str], list[Cue]]
ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_text(text: str, where: str) -> list[Cue]:
    """Each paragraph as a cue without times."""
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return [Cue(paragraph) for paragraph in paragraphs if paragraph]


READERS: dict[str, Reader] = {
    ".textgrid": read_textgrid,
    ".ctm": read_ctm,
    ".srt": read_srt,
    ".vtt": read_vtt,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".txt": read_text,
}


def read_transcript(path: Path) -> tuple[list[Cue], list[str]]:
    """(the cues of a file in its own order, what had to be guessed); raises InputError naming the line."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"'{path}' is no transcript that can be read", got=path.suffix, expected=", ".join(READERS)
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read transcript '{path}'", got=str(error.strerror)) from error
    text, notes = _decoded(content, path)
    return reader(text.replace("\r\n", "\n").replace("\r", "\n"), str(path)), notes


def _decoded(content: bytes, path: Path) -> tuple[str, list[str]]:
    encoding = next((name for mark, name in ENCODINGS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding), []
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise InputError(
                f"transcript '{path}' is damaged", got=str(error), remedy="save it as UTF-8"
            ) from error
    note = f"'{path}' is not UTF-8; it was read as Windows-1252"
    return content.decode("cp1252", errors="replace"), [note]

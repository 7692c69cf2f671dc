"""One row a word or sentence: NIST CTM, and tables with a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from stimmung.engine.errors import InputError, nearest

from .cue import Cue, seconds

TEXT = ("text", "sentence", "transcript", "word", "words")
START = ("start_s", "start", "begin", "onset", "from")
STOP = ("stop_s", "stop", "end_s", "end", "offset", "to")
LENGTH = ("duration_s", "duration")


def read_ctm(text: str, where: str) -> list[Cue]:
    """``file channel start length word [confidence]`` a line, in seconds; comments begin with ;;."""
    cues = []
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split()
        if not fields or line.startswith(";;"):
            continue
        at = f"{where} line {number}"
        if len(fields) < 5:
            raise InputError(f"{at} is malformed", got=f"'{line}'", expected="file channel start length word")
        start_s = seconds(fields[2], at)
        cues.append(Cue(fields[4], start_s, start_s + seconds(fields[3], at)))
    return cues


def read_csv(text: str, where: str) -> list[Cue]:
    """A table with a column of text and, where known, of starts and of ends or lengths in seconds."""
    first = text.split("\n", 1)[0]
    separator = max("\t;,", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    words = _column(columns, TEXT)
    if words is None:
        raise InputError(
            f"table '{where}' has no column of text",
            got=", ".join(columns),
            expected=f"one of {', '.join(TEXT)}",
            remedy=nearest("text", columns),
        )
    start, stop, length = (_column(columns, names) for names in (START, STOP, LENGTH))
    cues = []
    for row in reader:
        at = f"{where} line {reader.line_num}"
        start_s, stop_s = _time(row, start, at), _time(row, stop, at)
        length_s = _time(row, length, at)
        if stop_s is None and start_s is not None and length_s is not None:
            stop_s = start_s + length_s
        spoken = " ".join((row[words] or "").split())
        if spoken:
            cues.append(Cue(spoken, start_s, stop_s))
    return cues


def _column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in columns), None)


def _time(row: dict[str, str | None], column: str | None, at: str) -> float | None:
    cell = (row.get(column) or "").strip() if column else ""
    return seconds(cell, at) if cell else None

"""The states or predictions of a replay, in the formats of other tools.

A tier of an annotation holds one label at a time, while states are votes over overlapping stretches. So
each state is put where it is news: from the end of the one before it to its own end. Neighbours with the
same label become one interval. Tables (CSV, audformat) keep every state with the stretch that was voted over.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import elan, rttm, table, textgrid, webvtt
from .intervals import Run

# From (what to export, the folder to write into) to how many files were written.
Writer = Callable[[Run, Path], int]
FORMATS: dict[str, Writer] = {
    "eaf": elan.write,
    "textgrid": textgrid.write,
    "rttm": rttm.write,
    "webvtt": webvtt.write,
    "csv": table.write_csv,
    "audformat": table.write_audformat,
}

"""USoMS-e and EmotAsS as handed out for the ComParE challenges of 2020 and 2018.

Their speakers are not published, only partitions that share none: each recording stands for a speaker of
its own, so that protocols by speaker must be refused, and intervals are too narrow rather than wrong in kind.
Schuller et al. 2020, section 2.1; Hantke et al. 2017; Schuller et al. 2018, section 2.1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from stimmung.engine.errors import InputError

from .recording import Recording, lines, part

USOMS = "lab/labels.csv"
EMOTASS = "lab/ComParE2018_AtypicalAffect.tsv"
LEVELS = ("low", "medium", "high")
WITHHELD = "?"


def holds_usoms(root: Path) -> bool:
    """True for a folder with the labels of ComParE 2020's Elderly sub-challenge."""
    path = root / USOMS
    return path.is_file() and {"filename_audio", "A_cat_no", "V_cat_no"} <= set(
        lines(path)[0].strip("\ufeff").split(",")
    )


def read_usoms(root: Path) -> list[Recording]:
    """Every chunk of a narrative, with the targets arousal and valence (low, medium, high)."""
    return [
        _recording(
            root / USOMS,
            root / "wav" / row["filename_audio"],
            {"arousal": _level(row["A_cat_no"]), "valence": _level(row["V_cat_no"])},
        )
        for row in _rows(root / USOMS, ",")
    ]


def holds_emotass(root: Path) -> bool:
    """True for a folder with the labels of ComParE 2018's Atypical Affect sub-challenge."""
    return (root / EMOTASS).is_file()


def read_emotass(root: Path) -> list[Recording]:
    """Every chunk, with the target emotion (angry, happy, neutral, sad)."""
    return [
        _recording(root / EMOTASS, root / "wav" / row["file_name"], {"emotion": row["emotion"]})
        for row in _rows(root / EMOTASS, "\t")
    ]


def _rows(path: Path, delimiter: str) -> Iterator[dict[str, str]]:
    reader = csv.DictReader(lines(path), delimiter=delimiter)
    for row in reader:
        if None in row or None in row.values():
            raise InputError(
                f"{path} line {reader.line_num} is malformed", expected="a cell for every column"
            )
        yield {key.strip("\ufeff"): value for key, value in row.items()}


def _recording(table: Path, file: Path, labels: dict[str, str]) -> Recording:
    partition = part(file.name.partition("_")[0], table)
    known = {target: label for target, label in labels.items() if label != WITHHELD}
    return Recording(file, file.stem, known, partition)


def _level(number: str) -> str:
    return LEVELS[int(number)] if number in ("0", "1", "2") else WITHHELD

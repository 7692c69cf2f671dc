"""A corpus is a ``corpus.csv``: one row a recording, with its speaker and its labels.

Columns: ``file`` (path relative to the csv), ``speaker``, and one column for each target such as
``emotion``; further columns are ignored.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stimmung.engine.errors import InputError, nearest


@dataclass(frozen=True, slots=True)
class Item:
    """One recording: where it is, who speaks, and the label to be recognised; or a sentence of a document.

    A sentence has its ``text``, its document as the speaker, and its place in the table for a file.
    """

    file: Path
    speaker: str
    label: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus as read for one target; items in the order of the csv."""

    name: str
    items: tuple[Item, ...]

    @property
    def speakers(self) -> list[str]:
        """Every speaker once, sorted."""
        return sorted({item.speaker for item in self.items})


def read_corpus(
    path: Path, target: str, labels: Sequence[str], where: Mapping[str, str] | None = None
) -> Corpus:
    """The corpus for one target, every label among ``labels`` and every file present.

    ``where`` leaves out the rows that do not hold these values, such as ``{"subset": "test-other"}``.
    Raises InputError naming the line and the remedy.
    """
    if path.is_dir():
        path = path / "corpus.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            _check_columns(path, reader.fieldnames or (), ("file", "speaker", target, *(where or ())))
            items = tuple(
                _item(path, reader.line_num, row, target, labels)
                for row in reader
                if all(row[column] == value for column, value in (where or {}).items())
            )
    except OSError as error:
        raise InputError(f"cannot read corpus '{path}'", got=str(error.strerror)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"corpus '{path}' is not a CSV file in UTF-8", got=str(error)) from error
    if not items:
        chosen = " and ".join(f"{column} '{value}'" for column, value in (where or {}).items())
        what = f"has no row with {chosen}" if chosen else "is empty"
        raise InputError(f"corpus '{path}' {what}", expected="one row a recording below the header")
    _refuse_twins(path, items)
    return Corpus(path.resolve().parent.name, items)


def _check_columns(path: Path, columns: Sequence[str], needed: Sequence[str]) -> None:
    for column in needed:
        if column not in columns:
            raise InputError(
                f"corpus '{path}' has no column '{column}'",
                got=", ".join(columns) or "no header",
                remedy=nearest(column, columns),
            )


def _item(path: Path, line: int, row: Mapping[str, str | None], target: str, labels: Sequence[str]) -> Item:
    where = f"{path} line {line}"
    name, speaker, label = (row[column] or "" for column in ("file", "speaker", target))
    if not name or not speaker:
        raise InputError(f"{where} has an empty cell", expected="a file and a speaker in every row")
    if label not in labels:
        raise InputError(
            f"{where}: unknown {target} '{label}'",
            expected=f"one of {', '.join(labels)}",
            remedy="add it to the recipe's labels or leave those rows out of the corpus",
        )
    if not (path.parent / name).is_file():
        raise InputError(f"{where}: no file '{path.parent / name}'", remedy="paths are relative to the csv")
    return Item(path.parent / name, speaker, label)


def _refuse_twins(path: Path, items: Sequence[Item]) -> None:
    seen: set[Path] = set()
    for item in items:
        if item.file in seen:
            raise InputError(
                f"corpus '{path}' lists a file twice", got=f"'{item.file}'", remedy="keep one row"
            )
        seen.add(item.file)

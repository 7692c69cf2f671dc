"""A corpus: one row a recording, with its speaker and its labels.

It is a ``corpus.csv`` with the columns ``file`` (absolute or relative to the csv), ``speaker``, one for each
target such as ``emotion`` and, if there are any, ``partition`` (train, dev or test) and ``transcript``;
further columns are ignored. Or it is a folder in one of the layouts that corpora are published in
(:mod:`.layouts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from stimmung.engine.errors import ConfigError, InputError, nearest
from stimmung.engine.types import Floats
from stimmung.plugins.transcribe.corpus_table import Row, Table, located, read_table
from stimmung.plugins.transcribe.provided import named

from .checking import (
    is_number,
    refuse_missing,
    refuse_several,
    refuse_spellings,
    refuse_twins,
    with_points,
)
from .layouts import recognise
from .layouts.recording import part

CSV = "corpus.csv"
FILE, SPEAKER, PARTITION, TRANSCRIPT = "file", "speaker", "partition", "transcript"


class NoLabelError(InputError):
    """A corpus in which no recording has a label of those asked for."""


class Alteration(Protocol):
    """What is done to the audio of a recording before it is heard.

    ``key`` names everything that decides the result, so that features of it can be kept. The call takes and
    returns (n,) samples at ``rate`` Hz.
    """

    @property
    def key(self) -> str: ...

    def __call__(self, samples: Floats, rate: int) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Item:
    """One recording: where it is, who speaks, and the label to be recognised; or a sentence of a document.

    A sentence has its ``text``, its document as the speaker, and its place in the table for a file.
    ``transcript`` is what was said or the path of a transcript, or empty where nobody wrote it down.
    ``partition`` is train, dev, test or empty; ``start_s`` and ``stop_s`` bound a part of the file, which is
    heard ``speed`` times as fast, pitch and formants with it, and then changed by the ``alteration``, if
    there is one. ``corpus`` is the corpus it belongs to where several are joined. ``copy`` names which copy
    of the recording this is, such as "×0.84#1", and is empty for the recording itself: a copy is another
    voice.
    """

    file: Path
    speaker: str
    label: str
    text: str | None = None
    partition: str = ""
    transcript: str = ""
    start_s: float = 0.0
    stop_s: float | None = None
    speed: float = 1.0
    corpus: str = ""
    copy: str = ""
    alteration: Alteration | None = None

    @property
    def part(self) -> str:
        """Where in the file it is, empty for all of it."""
        return f"@{self.start_s:g}" if self.start_s or self.stop_s else ""

    @property
    def voice(self) -> str:
        """The speaker, and which copy of them it is."""
        return f"{self.speaker}{self.copy}"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus as read for one target; items in the order of the csv.

    Where ``speakers_published`` is False nobody but the publisher knows who speaks: every recording then
    stands for a speaker of its own.
    """

    name: str
    items: tuple[Item, ...]
    speakers_published: bool = True

    @property
    def speakers(self) -> list[str]:
        """Every speaker once, sorted."""
        return sorted({item.speaker for item in self.items})

    def at(self, speed: float) -> Corpus:
        """Copies of all recordings, each heard so many times as fast."""
        return replace(
            self, items=tuple(replace(item, speed=speed, copy=f"×{speed:g}") for item in self.items)
        )


@dataclass(frozen=True, slots=True)
class Labels:
    """Which labels are wanted: ``names``, or any number where there are none.

    ``aliases`` gives a corpus' own names for them; ``leave_out`` passes over all other labels instead of
    refusing them. ``every`` is the label of all recordings of a corpus that has no column of labels.
    """

    names: Sequence[str]
    aliases: Mapping[str, str] = field(default_factory=dict)
    leave_out: bool = False
    every: str = ""

    def of(self, found: str, target: str, where: str) -> str | None:
        """The label as wanted, None to leave it out; raises InputError naming ``where``.

        What is not one label, such as two in one cell, is never left out but refused.
        """
        label = self.aliases.get(found, found)
        if label in self.names or (not self.names and is_number(label)):
            return label
        refuse_several(found, {*self.names, *self.aliases} if self.names else (), target, where)
        if self.leave_out:
            return None
        raise InputError(
            f"{where}: unknown {target} '{found}'",
            expected=f"one of {', '.join(self.names)}" if self.names else "a number",
            remedy="add it to the recipe's labels or leave those rows out of the corpus",
        )


def read_corpus(
    path: Path,
    target: str,
    labels: Sequence[str] | Labels,
    where: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> Corpus:
    """The corpus for one target, every label among ``labels`` and every file present.

    ``where`` leaves out the rows that do not hold these values, such as ``{"subset": "test-other"}``.
    ``columns`` are the table's own names of columns, such as ``{"file": "FileName"}``.
    Raises InputError naming the line and the remedy, ConfigError for columns that are never read.
    """
    wanted = labels if isinstance(labels, Labels) else Labels(labels)
    if path.is_dir() and not (path / CSV).is_file():
        if columns:
            raise ConfigError(
                f"corpus '{path}' has no columns to be named, as it has no {CSV}",
                got=", ".join(f"{ours} = {theirs}" for ours, theirs in columns.items()),
                remedy=f"leave its columns out, or write its {CSV}",
            )
        return _published(path, target, wanted, where or {})
    table = read_table(path / CSV if path.is_dir() else path)
    return _listed(Listed(table, target, wanted, where or {}, columns or {}))


def _published(root: Path, target: str, labels: Labels, where: Mapping[str, str]) -> Corpus:
    layout = recognise(root)
    if layout is None:
        raise InputError(
            f"'{root}' is no corpus",
            expected=f"{CSV} in it, or a layout that stimmung corpora lists",
            remedy="write its corpus.csv",
        )
    items = []
    for recording in layout.read(root):
        given = recording.labels.get(target, recording.labels.get("")) if not labels.every else labels.every
        if given is None or any(recording.labels.get(name) != value for name, value in where.items()):
            continue
        label = labels.of(given, target, str(recording.file))
        if label is None:
            continue
        if not recording.file.is_file():
            raise InputError(f"corpus '{root}' lacks a file", got=f"'{recording.file}'", remedy="unpack it")
        items.append(
            Item(
                recording.file,
                recording.speaker,
                label,
                partition=recording.partition,
                transcript=recording.transcript,
                start_s=recording.start_s,
                stop_s=recording.stop_s,
            )
        )
    if not items:
        raise NoLabelError(f"corpus '{root}' (layout {layout.name}) has no {target} of those asked for")
    _refuse_twins(root, items)
    if layout.speakers_published:
        refuse_spellings(f"corpus '{root}'", (item.speaker for item in items))
    return Corpus(root.resolve().name, tuple(items), layout.speakers_published)


@dataclass(frozen=True, slots=True)
class Listed:
    """A table, and what is wanted of it; see :func:`read_corpus`."""

    table: Table
    target: str
    labels: Labels
    where: Mapping[str, str]
    columns: Mapping[str, str]

    def of(self, row: Row, column: str) -> str:
        """The cell of a row by our name of its column; empty where there is no such column."""
        return row.cells.get(self.columns.get(column, column), "")

    def at(self, row: Row) -> str:
        """The line of a row, for messages."""
        return f"{self.table.path} line {row.line}"

    def check_columns(self) -> None:
        """Raises ConfigError for names of columns that are not read, InputError for columns not there."""
        own = () if self.labels.every else (self.target,)
        known = (FILE, SPEAKER, self.target, PARTITION, TRANSCRIPT, *self.where)
        for ours in self.columns:
            if ours not in known:
                raise ConfigError(
                    f"'{ours}' is no column that is read, so that none can be named for it",
                    expected=f"one of {', '.join(dict.fromkeys(known))}",
                    remedy=nearest(ours, known),
                )
        given = [name for name in self.columns if name != self.target or own]
        for ours in dict.fromkeys((FILE, SPEAKER, *own, *self.where, *given)):
            self._check_column(ours)

    def _check_column(self, ours: str) -> None:
        column, there = self.columns.get(ours, ours), self.table.columns
        if column not in there:
            raise InputError(
                f"corpus '{self.table.path}' has no column '{column}'",
                got=", ".join(there) or "no header",
                expected="commas, semicolons or tabs between cells" if len(there) == 1 else "",
                remedy=nearest(column, there) + " (a recipe's columns or --column say which)" * bool(there),
            )
        if there.count(column) > 1:
            raise InputError(
                f"corpus '{self.table.path}' has {there.count(column)} columns '{column}'",
                got=", ".join(there),
                remedy="rename all but the one to be read",
            )


def _listed(listed: Listed) -> Corpus:
    listed.check_columns()
    table, labels = listed.table, listed.labels
    rows = [
        row
        for row in table.rows
        if all(listed.of(row, column) == value.strip() for column, value in listed.where.items())
    ]
    labelled = list(zip(rows, _labels(listed, rows), strict=True))
    kept = {row.line: label for row, label in labelled if label is not None}
    if not kept:
        chosen = " and ".join(f"{column} '{value}'" for column, value in listed.where.items())
        what = f"has no row with {chosen}" if chosen else "is empty"
        if labels.leave_out and rows:
            what = f"has no row whose {listed.target} is one of {', '.join(labels.names)}"
        raise NoLabelError(f"corpus '{table.path}' {what}", expected="one row a recording below the header")
    files = {row.line: located(table.folder, listed.of(row, FILE)) for row in rows}
    missing = {row.line: listed.of(row, FILE) for row in rows if row.line in kept and files[row.line] is None}
    refuse_missing(str(table.path), listed.columns.get(FILE, FILE), missing, len(kept))
    _refuse_two_rows(listed, rows, files, kept)
    items = [_item(listed, row, files[row.line], kept[row.line]) for row in rows if row.line in kept]
    refuse_spellings(f"corpus '{table.path}'", (item.speaker for item in items))
    return Corpus(table.path.resolve().parent.name, tuple(items))


def _labels(listed: Listed, rows: Sequence[Row]) -> list[str | None]:
    """Of each row, None for those to be left out."""
    labels = listed.labels
    if labels.every:
        given = {row.line: labels.every for row in rows}
    else:
        given = {row.line: listed.of(row, listed.target) for row in rows}
    if not labels.names and listed.table.separator != ",":
        given = with_points(given, f"{listed.target} of corpus '{listed.table.path}'")
    for row in rows:
        for column in (FILE, SPEAKER):
            if not listed.of(row, column):
                raise InputError(
                    f"{listed.at(row)} has an empty cell",
                    got=f"nothing in column '{listed.columns.get(column, column)}'",
                    expected="a file and a speaker in every row",
                )
    return [labels.of(given[row.line], listed.target, listed.at(row)) for row in rows]


def _refuse_two_rows(
    listed: Listed, rows: Sequence[Row], files: Mapping[int, Path | None], kept: Mapping[int, str]
) -> None:
    """Two rows of one recording, also where the label of one is left out."""
    found = [(file.resolve(), row) for row in rows if (file := files[row.line]) is not None]
    used = {file for file, row in found if row.line in kept}
    refuse_twins(
        f"corpus '{listed.table.path}'",
        [
            (file, kept.get(row.line) or listed.of(row, listed.target), row.line)
            for file, row in found
            if file in used
        ],
    )


def _item(listed: Listed, row: Row, file: Path | None, label: str) -> Item:
    assert file is not None  # missing files were refused
    partition, said = listed.of(row, PARTITION), listed.of(row, TRANSCRIPT)
    return Item(
        file,
        listed.of(row, SPEAKER),
        label,
        partition=part(partition, listed.at(row)) if partition else "",
        transcript=str(named(said, listed.table.folder) or said),
    )


def _refuse_twins(path: Path, items: Sequence[Item]) -> None:
    seen: set[tuple[Path, float]] = set()
    for item in items:
        if (item.file, item.start_s) in seen:
            raise InputError(
                f"corpus '{path}' lists a file twice", got=f"'{item.file}'", remedy="keep one row"
            )
        seen.add((item.file, item.start_s))

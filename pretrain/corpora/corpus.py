"""A corpus: one row a recording, with its speaker and its labels.

It is a ``corpus.csv`` with the columns ``file`` (path relative to the csv), ``speaker``, one for each target
such as ``emotion`` and, if there are any, ``partition`` (train, dev or test) and ``transcript``; further
columns are ignored. Or it is a folder in one of the layouts that corpora are published in (:mod:`.layouts`).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from stimmung.engine.errors import InputError, nearest
from stimmung.engine.types import Floats
from stimmung.plugins.transcribe.provided import named

from .layouts import recognise
from .layouts.recording import part

CSV = "corpus.csv"


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
        """The label as wanted, None to leave it out; raises InputError naming ``where``."""
        label = self.aliases.get(found, found)
        if label in self.names or (not self.names and _is_number(label)):
            return label
        if self.leave_out:
            return None
        raise InputError(
            f"{where}: unknown {target} '{found}'",
            expected=f"one of {', '.join(self.names)}" if self.names else "a number",
            remedy="add it to the recipe's labels or leave those rows out of the corpus",
        )


def read_corpus(
    path: Path, target: str, labels: Sequence[str] | Labels, where: Mapping[str, str] | None = None
) -> Corpus:
    """The corpus for one target, every label among ``labels`` and every file present.

    ``where`` leaves out the rows that do not hold these values, such as ``{"subset": "test-other"}``.
    Raises InputError naming the line and the remedy.
    """
    wanted = labels if isinstance(labels, Labels) else Labels(labels)
    if path.is_dir() and not (path / CSV).is_file():
        return _published(path, target, wanted, where or {})
    return _listed(path / CSV if path.is_dir() else path, target, wanted, where or {})


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
        given = labels.every or recording.labels.get(target, recording.labels.get(""))
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
        raise InputError(f"corpus '{root}' (layout {layout.name}) has no {target} of those asked for")
    _refuse_twins(root, items)
    return Corpus(root.resolve().name, tuple(items), layout.speakers_published)


def _listed(path: Path, target: str, labels: Labels, where: Mapping[str, str]) -> Corpus:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            own = () if labels.every else (target,)
            _check_columns(path, reader.fieldnames or (), ("file", "speaker", *own, *where))
            found = [
                _item(path, reader.line_num, row, target, labels)
                for row in reader
                if all(row[column] == value for column, value in where.items())
            ]
    except OSError as error:
        raise InputError(f"cannot read corpus '{path}'", got=str(error.strerror)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"corpus '{path}' is not a CSV file in UTF-8", got=str(error)) from error
    items = tuple(item for item in found if item is not None)
    if not items:
        chosen = " and ".join(f"{column} '{value}'" for column, value in where.items())
        what = f"has no row with {chosen}" if chosen else "is empty"
        if labels.leave_out and found:
            what = f"has no row whose {target} is one of {', '.join(labels.names)}"
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


def _item(path: Path, line: int, row: Mapping[str, str | None], target: str, labels: Labels) -> Item | None:
    where = f"{path} line {line}"
    name, speaker = (row[column] or "" for column in ("file", "speaker"))
    given = labels.every or row[target] or ""
    if not name or not speaker:
        raise InputError(f"{where} has an empty cell", expected="a file and a speaker in every row")
    label = labels.of(given, target, where)
    if label is None:
        return None
    if not (path.parent / name).is_file():
        raise InputError(f"{where}: no file '{path.parent / name}'", remedy="paths are relative to the csv")
    partition, said = (row.get(column) or "" for column in ("partition", "transcript"))
    return Item(
        path.parent / name,
        speaker,
        label,
        partition=part(partition, where) if partition else "",
        transcript=str(named(said, path.parent) or said),
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _refuse_twins(path: Path, items: Sequence[Item]) -> None:
    seen: set[tuple[Path, float]] = set()
    for item in items:
        if (item.file, item.start_s) in seen:
            raise InputError(
                f"corpus '{path}' lists a file twice", got=f"'{item.file}'", remedy="keep one row"
            )
        seen.add((item.file, item.start_s))

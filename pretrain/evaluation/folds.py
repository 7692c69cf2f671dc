"""Protocols: who is trained on and who is tested on, never the same speaker.

    loso             leave one speaker out
    loco             leave one corpus out of several, with all its speakers
    groups:N         N groups of speakers, each tested once
    partitions       the partitions the corpus is published with: train, dev to select on, test
    folds:FILE       folds of speakers, listed in a file
    folds:FOLDER     folds of recordings, as EmoBox publishes them

A folds file is TOML or JSON with one table a fold: ``test`` lists its test speakers, ``name`` is
optional, ``dev`` lists speakers to select hyper-parameters on, and ``train`` lists the training speakers
where these are not simply all others. A folder of EmoBox holds ``fold_N/…train….jsonl`` and ``…test….jsonl``.
Whatever is listed, speakers in training and test are refused, and a development set as a test set.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from stimmung.engine.config.toml import Table, decode, read_toml
from stimmung.engine.errors import ConfigError, ProtocolError

from ..corpora.corpus import Corpus

LOSO = "loso"
FILE = "folds:"
GROUPS = "groups:"
PARTITIONS = "partitions"
LOCO = "loco"
EXPECTED = f"{LOSO}, {LOCO}, {GROUPS}N, {PARTITIONS}, {FILE}FILE or {FILE}FOLDER"


@dataclass(frozen=True, slots=True)
class Fold:
    """One split by speaker; ``train``, ``test`` and ``dev`` are sorted and share nobody."""

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    dev: tuple[str, ...] = ()


class FoldTable(Table, frozen=True):
    """One fold as written in a folds file; without ``train``, everybody else is trained on."""

    test: list[str]
    name: str = ""
    train: list[str] | None = None
    dev: list[str] = msgspec.field(default_factory=list)


class FoldsTable(Table, frozen=True):
    """A folds file."""

    folds: list[FoldTable]


def read_protocol(protocol: str, speakers: Iterable[str]) -> list[Fold]:
    """The folds of a protocol over these speakers, verified; raises ConfigError or ProtocolError.

    ``loso`` tests one speaker at a time, ``groups:N`` deals them into N groups in the order of their
    names and tests one group at a time, ``folds:FILE`` does as the file says.
    """
    everybody = sorted(set(speakers))
    if protocol == LOSO:
        folds = [Fold(s, tuple(o for o in everybody if o != s), (s,)) for s in everybody]
    elif protocol.startswith(GROUPS):
        folds = _groups(protocol.removeprefix(GROUPS), everybody)
    elif protocol.startswith(FILE):
        folds = _read_folds(Path(protocol.removeprefix(FILE)), everybody)
    else:
        raise ConfigError(f"unknown protocol '{protocol}'", expected=EXPECTED)
    verify(folds, everybody)
    return folds


def _groups(number: str, speakers: Sequence[str]) -> list[Fold]:
    if not number.isdecimal() or not 2 <= int(number) <= len(speakers):
        raise ConfigError(
            f"protocol '{GROUPS}{number}' does not suit the corpus", expected=f"2 to {len(speakers)} groups"
        )
    groups = [speakers[at :: int(number)] for at in range(int(number))]
    return [
        Fold(str(at), tuple(sorted(set(speakers).difference(group))), tuple(group))
        for at, group in enumerate(groups, start=1)
    ]


def corpus_folds(protocol: str, corpus: Corpus, never: Collection[str] = ()) -> list[Fold]:
    """The folds of any protocol over a corpus, verified; raises ProtocolError.

    By ``loco`` each of several corpora is left out in turn, but those named in ``never``, which are trained
    on in every fold.
    """
    if protocol == LOCO:
        return _left_out_in_turn(corpus, never)
    if protocol == PARTITIONS:
        return _partitions(corpus)
    if not corpus.speakers_published:
        raise ProtocolError(
            f"protocol '{protocol}' sets speakers apart, but those of '{corpus.name}' are not published",
            remedy=f"use the partitions it is published with: --protocol {PARTITIONS}",
        )
    folder = Path(protocol.removeprefix(FILE))
    if protocol.startswith(FILE) and folder.is_dir():
        return _emobox(folder, corpus)
    folds = read_protocol(protocol, corpus.speakers)
    _refuse_development(folds, corpus)
    return folds


def _left_out_in_turn(corpus: Corpus, never: Collection[str]) -> list[Fold]:
    """One fold for each corpus that is tested; corpora that share a speaker are left out together."""
    groups: dict[str, set[str]] = {}
    for item in corpus.items:
        groups.setdefault(item.speaker.partition("/")[0] if item.corpus else "", set()).add(item.corpus)
    folds = []
    for people, names in groups.items():
        if names & set(never):
            continue
        test = {item.speaker for item in corpus.items if item.speaker.partition("/")[0] == people}
        train = tuple(speaker for speaker in corpus.speakers if speaker not in test)
        folds.append(Fold(" + ".join(sorted(names)), train, tuple(sorted(test))))
    if len(groups) < 2 or not folds:
        raise ProtocolError(
            f"protocol '{LOCO}' leaves out one corpus of several",
            got=corpus.name,
            expected="two or more, at least one of them to be tested",
            remedy="give --corpus once for each",
        )
    verify(folds, corpus.speakers, everybody=False)
    return folds


def verify(folds: Sequence[Fold], speakers: Sequence[str], *, everybody: bool = True) -> None:
    """Returns when every speaker is tested exactly once, by a model that never heard them.

    Without ``everybody`` some need not be tested. Raises ProtocolError naming the speakers otherwise.
    """
    tested: dict[str, str] = {}
    for fold in folds:
        _refuse(f"fold '{fold.name}' trains and tests on the same speakers", set(fold.train) & set(fold.test))
        _refuse(f"fold '{fold.name}' tests on its development speakers", set(fold.dev) & set(fold.test))
        _refuse(f"fold '{fold.name}' trains on its development speakers", set(fold.dev) & set(fold.train))
        _refuse(
            f"fold '{fold.name}' names speakers who are not in the corpus",
            {*fold.train, *fold.test, *fold.dev} - set(speakers),
        )
        _refuse(f"fold '{fold.name}' tests speakers whom another fold tests", set(fold.test) & tested.keys())
        for part, members in (("train", fold.train), ("test", fold.test)):
            if not members:
                raise ProtocolError(f"fold '{fold.name}' has no {part} speaker", expected="at least one")
        tested |= dict.fromkeys(fold.test, fold.name)
    if everybody:
        _refuse("no fold tests some speakers of the corpus", set(speakers) - tested.keys())


def _refuse(what: str, speakers: set[str]) -> None:
    if speakers:
        raise ProtocolError(
            what,
            got=f"speakers {', '.join(sorted(speakers))}",
            remedy="train on some speakers, test on others, and test each of them once",
        )


def _partitions(corpus: Corpus) -> list[Fold]:
    members: dict[str, set[str]] = {"train": set(), "dev": set(), "test": set()}
    for item in corpus.items:
        if not item.partition:
            raise ProtocolError(
                f"corpus '{corpus.name}' does not say which partition '{item.file}' is in",
                expected="train, dev or test for every recording",
                remedy="add a column 'partition', or choose another protocol",
            )
        members[item.partition].add(item.speaker)
    if not members["test"]:
        raise ProtocolError(
            f"corpus '{corpus.name}' has no labelled test partition, and a development set is no test set",
            got=", ".join(name for name in members if members[name]),
            remedy="get the labels of the test partition, or set speakers apart anew: --protocol loso",
        )
    train, dev, test = (tuple(sorted(members[name])) for name in ("train", "dev", "test"))
    fold = Fold(PARTITIONS, train, test, dev)
    verify([fold], corpus.speakers, everybody=False)
    return [fold]


def _refuse_development(folds: Sequence[Fold], corpus: Corpus) -> None:
    """A published development set may be tested on beside everything else, never as the test set."""
    parts: dict[str, set[str]] = {}
    for item in corpus.items:
        parts.setdefault(item.speaker, set()).add(item.partition)
    if not any("test" in found for found in parts.values()):
        return
    for fold in folds:
        if all(parts[speaker] == {"dev"} for speaker in fold.test) and len(folds) < len(parts):
            _refuse(
                f"fold '{fold.name}' tests on the development partition of corpus '{corpus.name}'",
                set(fold.test),
            )


def _emobox(folder: Path, corpus: Corpus) -> list[Fold]:
    """Folds of recordings, by the names of their files; refused unless they keep speakers apart."""
    speaker = {item.file.stem: item.speaker for item in corpus.items}
    folds = []
    for part in sorted(folder.glob("fold_*")):
        train, test = (_spoken(part, kind, speaker) for kind in ("train", "test"))
        folds.append(Fold(part.name, tuple(sorted(train)), tuple(sorted(test))))
    if not folds:
        raise ConfigError(f"folder '{folder}' holds no folds", expected="fold_1, fold_2, …")
    verify(folds, corpus.speakers)
    return folds


def _spoken(folder: Path, kind: str, speaker: dict[str, str]) -> set[str]:
    found = set()
    for path in folder.glob(f"*{kind}*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            stem = Path(json.loads(line)["wav"]).stem
            if stem in speaker:  # others have labels that are not asked for
                found.add(speaker[stem])
    return found


def _read_folds(path: Path, speakers: Sequence[str]) -> list[Fold]:
    table = decode(_read_json(path) if path.suffix == ".json" else read_toml(path), FoldsTable, str(path))
    folds = []
    for number, fold in enumerate(table.folds, start=1):
        _refuse(
            f"{path} fold {number} lists speakers twice", {s for s in fold.test if fold.test.count(s) > 1}
        )
        others = [s for s in speakers if s not in fold.test and s not in fold.dev]
        train = others if fold.train is None else fold.train
        name = fold.name or str(number)
        folds.append(Fold(name, tuple(sorted(train)), tuple(sorted(fold.test)), tuple(sorted(fold.dev))))
    return folds


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read '{path}'", got=str(error.strerror)) from error
    except ValueError as error:
        raise ConfigError(f"'{path}' is not JSON", got=str(error)) from error

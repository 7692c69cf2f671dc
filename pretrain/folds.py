"""Protocols: who is trained on and who is tested on, never the same speaker.

A folds file is TOML or JSON with one table a fold: ``test`` lists its test speakers, ``name`` is
optional, and ``train`` lists its training speakers where these are not simply all others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stimmung.engine.config import Table, decode, read_toml
from stimmung.engine.errors import ConfigError, ProtocolError

LOSO = "loso"
FILE = "folds:"
GROUPS = "groups:"


@dataclass(frozen=True, slots=True)
class Fold:
    """One split by speaker; ``train`` and ``test`` are sorted and share nobody."""

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]


class FoldTable(Table, frozen=True):
    """One fold as written in a folds file; without ``train``, everybody else is trained on."""

    test: list[str]
    name: str = ""
    train: list[str] | None = None


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
        raise ConfigError(f"unknown protocol '{protocol}'", expected=f"{LOSO}, {GROUPS}N or {FILE}FILE")
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


def verify(folds: Sequence[Fold], speakers: Sequence[str]) -> None:
    """Returns when every speaker is tested exactly once, by a model that never heard them.

    Raises ProtocolError naming the speakers otherwise.
    """
    tested: dict[str, str] = {}
    for fold in folds:
        _refuse(f"fold '{fold.name}' trains and tests on the same speakers", set(fold.train) & set(fold.test))
        _refuse(
            f"fold '{fold.name}' names speakers who are not in the corpus",
            {*fold.train, *fold.test} - set(speakers),
        )
        _refuse(f"fold '{fold.name}' tests speakers whom another fold tests", set(fold.test) & tested.keys())
        for part, members in (("train", fold.train), ("test", fold.test)):
            if not members:
                raise ProtocolError(f"fold '{fold.name}' has no {part} speaker", expected="at least one")
        tested |= dict.fromkeys(fold.test, fold.name)
    _refuse("no fold tests some speakers of the corpus", set(speakers) - tested.keys())


def _refuse(what: str, speakers: set[str]) -> None:
    if speakers:
        raise ProtocolError(
            what,
            got=f"speakers {', '.join(sorted(speakers))}",
            remedy="train on some speakers, test on others, and test each of them once",
        )


def _read_folds(path: Path, speakers: Sequence[str]) -> list[Fold]:
    table = decode(_read_json(path) if path.suffix == ".json" else read_toml(path), FoldsTable, str(path))
    folds = []
    for number, fold in enumerate(table.folds, start=1):
        _refuse(
            f"{path} fold {number} lists speakers twice", {s for s in fold.test if fold.test.count(s) > 1}
        )
        train = [s for s in speakers if s not in fold.test] if fold.train is None else fold.train
        folds.append(Fold(fold.name or str(number), tuple(sorted(train)), tuple(sorted(fold.test))))
    return folds


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read '{path}'", got=str(error.strerror)) from error
    except ValueError as error:
        raise ConfigError(f"'{path}' is not JSON", got=str(error)) from error

"""What trains a classifier and what a training returns, as the rest of the package sees them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from stimmung.engine.models.statistics import OffsetModel
from stimmung.engine.types import Floats

FURTHER = ("voices", "corpora", "weights")


class Trained(Protocol):
    """What a trainer returns: it predicts exactly as the saved model will.

    ``labels`` are in the order of the columns of ``predict``; ``chosen`` are the hyper-parameters
    selected.
    """

    labels: tuple[str, ...]
    chosen: dict[str, float]

    def predict(self, features: Sequence[Floats]) -> Floats: ...

    def save(self, folder: Path) -> None: ...


@runtime_checkable
class OffsetTrained(Trained, Protocol):
    """One that infers a speaker's offset; ``predict`` takes the log posteriors as one more matrix."""

    offset: OffsetModel


@runtime_checkable
class Trainer(Protocol):
    """What a classifier class names as its ``trainer``, if it can be trained here.

    It is built with the options of the recipe's ``[classifier]`` table, and must keep speakers apart
    in whatever it holds out.

    ``fit`` may have further keyword arguments, any of :data:`FURTHER`, each with one entry for every row:
    ``voices``, where a copy of a speaker's recordings at another speed is another voice of the same speaker;
    ``corpora``, the name of the row's corpus; ``weights``, what the row counts for, of mean 1.
    """

    def fit(self, features: Sequence[Floats], labels: Sequence[str], speakers: Sequence[str]) -> Trained: ...

"""Training one classifier on some speakers, and asking it about others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ConfigError
from stimmung.engine.registry import check_options, load
from stimmung.engine.types import Floats

from .corpora import Corpus
from .features import Rows
from .recipe import Recipe


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
class Trainer(Protocol):
    """What a classifier class names as its ``trainer``, if it can be trained here.

    It is built with the options of the recipe's ``[classifier]`` table, and must keep speakers apart
    in whatever it holds out.
    """

    def fit(self, features: Sequence[Floats], labels: Sequence[str], speakers: Sequence[str]) -> Trained: ...


def build_trainer(recipe: Recipe, options: Mapping[str, Any] | None = None) -> Trainer:
    """The trainer of the recipe's classifier with its options, or others on top; raises ConfigError."""
    from .joint.recipe import JointRecipe

    if isinstance(recipe, JointRecipe):
        from .joint.training import JointTrainer  # torch takes seconds to import

        return JointTrainer(recipe)
    name = recipe.classifier.plugin
    kind: type[Any] | None = getattr(load("classifier", name), "trainer", None)
    if kind is None:
        raise ConfigError(
            f"classifier '{name}' cannot be trained", expected="a plugin whose class names a trainer"
        )
    trainer: Trainer = kind(**check_options(kind, name, {**recipe.classifier.options, **(options or {})}))
    return trainer


def fit_speakers(trainer: Trainer, rows: Rows, corpus: Corpus, speakers: Sequence[str]) -> Trained:
    """The classifier trained on every row of these speakers and on no other."""
    chosen = of_speakers(rows, corpus, speakers)
    items = [corpus.items[position] for position in rows.item[chosen]]
    return trainer.fit(rows.of(chosen), [item.label for item in items], [item.speaker for item in items])


def of_speakers(rows: Rows, corpus: Corpus, speakers: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which rows are spoken by these speakers."""
    return np.isin([corpus.items[position].speaker for position in rows.item], list(speakers))

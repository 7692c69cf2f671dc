"""Training one classifier on some speakers, and asking it about others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ConfigError
from stimmung.engine.registry import check_options, load

from ..corpora.corpus import Corpus
from ..features.extraction import Rows
from ..recipes.recipe import Recipe
from .contract import Trained, Trainer


def build_trainer(recipe: Recipe, options: Mapping[str, Any] | None = None) -> Trainer:
    """The trainer of the recipe's classifier with its options, or others on top; raises ConfigError."""
    from ..recipes.joint_recipe import JointRecipe

    if isinstance(recipe, JointRecipe):
        from .joint.trainer import JointTrainer  # torch takes seconds to import

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

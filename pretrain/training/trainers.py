"""Training one classifier on some speakers, and asking it about others."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ConfigError
from stimmung.engine.registry import check_options, load

from ..corpora.corpus import Corpus
from ..features.extraction import FeatureTable
from ..recipes.recipe import Recipe
from ..recipes.sections import CorpusTable
from .contract import FURTHER, Trained, Trainer
from .weights import row_weights


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


def fit_speakers(
    trainer: Trainer,
    rows: FeatureTable,
    corpus: Corpus,
    speakers: Sequence[str],
    tables: Sequence[CorpusTable] = (),
) -> Trained:
    """The classifier trained on every row of these speakers and on no other.

    ``tables`` are those of the recipe's corpora, with their weights. Raises ConfigError for weights that the
    trainer does not take.
    """
    chosen = of_speakers(rows, corpus, speakers)
    items = [corpus.items[position] for position in rows.item[chosen]]
    labels = [item.label for item in items]
    weight = {table.name: table.weight for table in tables}
    taken = [name for name in FURTHER if name in inspect.signature(trainer.fit).parameters]
    further: dict[str, Any] = {}
    if "voices" in taken:
        copies = rows.copy_of[chosen].tolist()
        further["voices"] = [f"{item.speaker}{copy}" for item, copy in zip(items, copies, strict=True)]
    if "corpora" in taken:
        further["corpora"] = [item.corpus for item in items]
    if "weights" in taken:
        further["weights"] = row_weights([item.corpus for item in items], labels, weight)
    elif any(value != 1 for value in weight.values()):
        raise ConfigError(
            "[[corpora]] have weights, but the classifier's trainer takes none",
            got=", ".join(f"{name} {value:g}" for name, value in weight.items()),
            remedy="remove them, or take a classifier that is fitted to weighted rows",
        )
    return trainer.fit(rows.of(chosen), labels, [item.speaker for item in items], **further)


def of_speakers(rows: FeatureTable, corpus: Corpus, speakers: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which rows are spoken by these speakers."""
    return np.isin([corpus.items[position].speaker for position in rows.item], list(speakers))

"""What a recipe works on: a corpus labelled for its target, and the features it asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec import UNSET, UnsetType
from stimmung.engine.errors import ConfigError

from ..corpora.corpus import Corpus
from ..features.conditions import copied, under
from ..features.extraction import FeatureTable, Progress, compute, compute_sentences, standardise_by_speaker
from ..features.trimming import trimmed
from ..recipes.joint_recipe import JointRecipe
from ..recipes.recipe import ContinuousRecipe, Extraction, Recipe
from ..recipes.sections import Augmentation
from .sources import read_corpora, read_tested


def read_items(
    recipe: Recipe | ContinuousRecipe,
    paths: Path | Sequence[Path],
    progress: Progress | None = None,
    *,
    complete: bool = False,
) -> Corpus:
    """The corpus, or several as one, labelled for the recipe's target; see :mod:`.sources`.

    Its recordings are trimmed to their speech if the recipe says so.
    """
    every = [paths] if isinstance(paths, Path) else paths
    return trimmed(recipe, read_corpora(recipe, every, complete=complete), progress or silent)


def read_test_items(
    recipe: Recipe | ContinuousRecipe, path: Path, progress: Progress | None = None
) -> Corpus:
    """A corpus that is only tested on, likewise; the recipe needs no table for it."""
    return trimmed(recipe, read_tested(recipe, path), progress or silent)


def corpus_rows(
    recipe: Extraction, corpus: Corpus, progress: Progress | None, cache: Path | None = None
) -> FeatureTable:
    """The features a recipe asks for, copies too, kept in the folder ``cache`` if there is one."""
    rows = _rows(recipe, corpus, progress, cache)
    if not isinstance(recipe, Recipe):
        return rows
    return dataclasses.replace(rows, copies=copies(recipe, corpus, progress, cache))


def condition_rows(
    recipe: Extraction,
    corpus: Corpus,
    condition: str,
    speakers: Collection[str],
    progress: Progress | None,
    cache: Path | None = None,
) -> FeatureTable:
    """The rows of these speakers under a condition, one of :data:`..features.conditions.CONDITIONS`."""
    items = under(corpus, condition).items
    chosen = np.array([at for at, item in enumerate(items) if item.speaker in speakers], np.int64)
    some = dataclasses.replace(corpus, items=tuple(items[at] for at in chosen))
    rows = _rows(recipe, some, progress, cache)
    return dataclasses.replace(rows, item=chosen[rows.item])


def copies(
    recipe: Recipe, corpus: Corpus, progress: Progress | None, cache: Path | None = None
) -> tuple[FeatureTable, ...]:
    """The rows of each copy of the recordings: at the recipe's speeds, or as its augmentation says."""
    if recipe.augmentation is UNSET:
        kinds = [(np.arange(len(corpus.items)), corpus.at(speed)) for speed in recipe.speeds]
    else:
        kinds = [
            _augmented(recipe, recipe.augmentation, corpus, k) for k in range(len(recipe.augmentation.copies))
        ]
    found = []
    for positions, voices in kinds:
        if voices.items:
            rows = _rows(recipe, voices, progress, cache)
            name = np.full(len(rows.item), voices.items[0].copy)
            found.append(dataclasses.replace(rows, item=positions[rows.item], copy=name))
    return tuple(found)


def _augmented(
    recipe: Recipe, augmentation: Augmentation, corpus: Corpus, number: int
) -> tuple[npt.NDArray[np.int64], Corpus]:
    """(places in the corpus, copies) of the recordings of which so many copies are made."""
    most = {table.name: table.copies for table in recipe.corpora}
    chosen = [at for at, item in enumerate(corpus.items) if _copied(most.get(item.corpus, UNSET), number)]
    items = copied([corpus.items[at] for at in chosen], augmentation, number)
    return np.array(chosen, np.int64), dataclasses.replace(corpus, items=tuple(items))


def _copied(most: int | UnsetType, number: int) -> bool:
    return most is UNSET or number < most


def _rows(recipe: Extraction, corpus: Corpus, progress: Progress | None, cache: Path | None) -> FeatureTable:
    if corpus.items[0].text is not None:
        if corpus.items[0].copy:
            raise ConfigError(
                f"recipe '{recipe.name}' has speeds or copies",
                got=f"corpus '{corpus.name}', which holds no audio",
            )
        return compute_sentences(recipe, corpus, progress or silent)
    if isinstance(recipe, JointRecipe):
        from .joint.dataset import joint_rows

        return joint_rows(recipe, corpus, progress or silent, cache)
    rows = compute(recipe, corpus, progress or silent, cache)
    if recipe.normalise == "speaker":
        return standardise_by_speaker(rows, [item.speaker for item in corpus.items])
    return rows


def silent(done: int, total: int, what: str) -> None:
    """No progress is shown."""

"""What a recipe works on: a corpus labelled for its target, and the features it asks for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from stimmung.engine.errors import ConfigError

from ..corpora.corpus import Corpus, read_corpus
from ..corpora.targets import Targets
from ..corpora.text_corpora import EMOBANK, as_corpus, read_emobank
from ..features.extraction import Progress, Rows, compute, compute_sentences, standardise_by_speaker
from ..features.trimming import trimmed
from ..recipes.joint_recipe import JointRecipe
from ..recipes.recipe import ContinuousRecipe, Extraction, Recipe


def read_items(recipe: Recipe | ContinuousRecipe, path: Path, progress: Progress | None = None) -> Corpus:
    """The corpus labelled for the recipe's target: by its own column, by configs/targets.toml, or EmoBank.

    Its recordings are trimmed to their speech if the recipe says so.
    """
    return trimmed(recipe, _labelled(recipe, path), progress or silent)


def _labelled(recipe: Recipe | ContinuousRecipe, path: Path) -> Corpus:
    if isinstance(recipe, ContinuousRecipe):
        return read_corpus(path, recipe.target, recipe.wanted)
    targets = Targets()
    if (path / EMOBANK).is_file():
        corpus = as_corpus(read_emobank(path, recipe.target))
    elif targets.has(path, recipe.target):
        corpus = targets.read(path, recipe.target)[0]
    else:
        return read_corpus(path, recipe.target, recipe.wanted)
    unknown = sorted({item.label for item in corpus.items} - set(recipe.labels))
    if unknown:
        raise ConfigError(
            f"recipe '{recipe.name}' lacks labels of its target",
            got=", ".join(recipe.labels),
            expected=f"{', '.join(unknown)} too",
        )
    return corpus


def corpus_rows(
    recipe: Extraction, corpus: Corpus, progress: Progress | None, cache: Path | None = None
) -> Rows:
    """The features a recipe asks for, copies too, kept in the folder ``cache`` if there is one."""
    rows = _rows(recipe, corpus, progress, cache)
    if not isinstance(recipe, Recipe):
        return rows
    return dataclasses.replace(rows, copies=copies(recipe, corpus, progress, cache))


def copies(
    recipe: Recipe, corpus: Corpus, progress: Progress | None, cache: Path | None = None
) -> tuple[Rows, ...]:
    """The rows of all recordings at each of the recipe's speeds."""
    return tuple(_rows(recipe, corpus.at(speed), progress, cache) for speed in recipe.speeds)


def _rows(recipe: Extraction, corpus: Corpus, progress: Progress | None, cache: Path | None) -> Rows:
    if corpus.items[0].text is not None:
        if corpus.items[0].speed != 1:
            raise ConfigError(
                f"recipe '{recipe.name}' has speeds", got=f"corpus '{corpus.name}', which holds no audio"
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

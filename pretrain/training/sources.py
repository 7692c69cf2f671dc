"""The corpora of a recipe: each matched to its table, labelled for the recipe's target, and joined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import UNSET
from stimmung.engine.errors import ConfigError, nearest

from ..corpora.corpus import Corpus, Labels, read_corpus
from ..corpora.joining import join
from ..corpora.targets import Targets
from ..corpora.text_corpora import EMOBANK, as_corpus, read_emobank
from ..recipes.recipe import ContinuousRecipe, Extraction, Recipe
from ..recipes.sections import CorpusTable

EMOTION = "emotion"  # the column that targets.toml maps


def read_corpora(
    recipe: Recipe | ContinuousRecipe, paths: Sequence[Path], *, complete: bool = False
) -> Corpus:
    """The corpora at ``paths`` as one, each read as its ``[[corpora]]`` table says.

    One corpus and a recipe without such tables give that corpus as it is, its speakers by their own names. A
    recipe without tables takes any corpora. Raises ConfigError for a corpus without a table, and where
    ``complete`` is asked for also for a table without a corpus.
    """
    if not paths:
        raise ConfigError(f"recipe '{recipe.name}' is given no corpus", remedy="give --corpus")
    if len(paths) == 1 and not recipe.corpora:
        return _labelled(recipe, paths[0], None)
    tables = _matched(recipe, paths, complete)
    corpora = [_labelled(recipe, path, table) for path, table in zip(paths, tables, strict=True)]
    if any(corpus.items[0].text is not None for corpus in corpora):
        raise ConfigError(
            "corpora of sentences are not joined",
            got=", ".join(corpus.name for corpus in corpora),
            remedy="give one at a time",
        )
    return join(corpora, {table.name: table.people for table in recipe.corpora if table.people})


def read_tested(recipe: Recipe | ContinuousRecipe, path: Path) -> Corpus:
    """One corpus to be tested on: by its table if the recipe has one, by the recipe's own keys if not."""
    return _labelled(recipe, path, table_of(recipe, corpus_name(path)))


def table_of(recipe: Extraction, name: str) -> CorpusTable | None:
    """The ``[[corpora]]`` table of that name, None where there is none."""
    return next((table for table in recipe.corpora if table.name == name), None)


def corpus_name(path: Path) -> str:
    """The name of a corpus: that of its folder, whether the folder or its corpus.csv is given."""
    return (path if path.is_dir() else path.parent).resolve().name


def _matched(recipe: Extraction, paths: Sequence[Path], complete: bool) -> list[CorpusTable | None]:
    given, known = [corpus_name(path) for path in paths], [table.name for table in recipe.corpora]
    if not known:
        return [None] * len(paths)
    strange = [name for name in given if name not in known]
    if strange:
        raise ConfigError(
            f"recipe '{recipe.name}' has no [[corpora]] table for '{strange[0]}'",
            got=", ".join(given),
            expected=", ".join(known),
            remedy=f'{nearest(strange[0], known)} or add [[corpora]] name = "{strange[0]}"',
        )
    missing = [name for name in known if name not in given]
    if complete and missing:
        raise ConfigError(
            f"recipe '{recipe.name}' is trained on corpora that are not given",
            got=", ".join(given),
            expected=f"{', '.join(missing)} too",
            remedy=f"add --corpus {missing[0]}, or remove its [[corpora]] table",
        )
    return [table_of(recipe, name) for name in given]


def _labelled(recipe: Recipe | ContinuousRecipe, path: Path, table: CorpusTable | None) -> Corpus:
    """By the corpus' own column, by configs/targets.toml, by one label for all, or EmoBank."""
    own = table or CorpusTable(name="")
    columns = recipe.columns if own.columns is UNSET else own.columns
    if (path / EMOBANK).is_file() and not isinstance(recipe, ContinuousRecipe):
        if columns:
            raise ConfigError(
                f"recipe '{recipe.name}' names columns of '{path}'",
                got=", ".join(columns),
                expected="none, as EmoBank is read as published",
            )
        return _known(recipe, as_corpus(read_emobank(path, recipe.target)))
    wanted, column, targets = recipe.wanted, recipe.target, Targets()
    by_targets = not isinstance(recipe, ContinuousRecipe) and targets.has(path, recipe.target)
    if by_targets and not (own.column or own.aliases or own.label or recipe.target in columns):
        if table is None:
            return _known(recipe, targets.read(path, recipe.target, columns)[0])
        column, wanted = EMOTION, Labels(wanted.names, targets.mapping(own.name, recipe.target))
    leave_out = recipe.others if own.others is UNSET else own.others
    labels = Labels(
        wanted.names, {**wanted.aliases, **own.aliases}, leave_out == "leave_out", every=own.label
    )
    if own.column:
        column = own.column
        columns = {ours: theirs for ours, theirs in columns.items() if ours != recipe.target}
    return read_corpus(path, column, labels, own.where, columns)


def _known(recipe: Recipe | ContinuousRecipe, corpus: Corpus) -> Corpus:
    """The corpus, if the recipe has all of its labels."""
    labels = recipe.labels if isinstance(recipe, Recipe) else []
    unknown = sorted({item.label for item in corpus.items} - set(labels))
    if unknown:
        raise ConfigError(
            f"recipe '{recipe.name}' lacks labels of its target",
            got=", ".join(labels),
            expected=f"{', '.join(unknown)} too",
        )
    return corpus

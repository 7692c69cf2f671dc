"""A training recipe, checked before anything is read or computed.

A recipe is TOML; unknown keys fail with the nearest known one. Its ``[[extractors]]`` are written as
in a pipeline; the options of ``[classifier]`` are those of the plugin's trainer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from stimmung.engine.config import Count, PluginTable, Positive, Table, decode, describe, read_toml
from stimmung.engine.errors import ConfigError


class About(Table, frozen=True):
    """What the model's card says beyond what can be measured."""

    corpus: str
    citation: str
    corpus_licence: str
    licence: str
    intended_use: str
    limits: str


class Recipe(Table, frozen=True, kw_only=True):
    """Everything that decides what a trained model becomes, apart from the corpus.

    ``rate`` in Hz. ``target`` is the corpus' label column. ``windows_s`` are lengths of windows, cut
    every half length from the recordings and trained on beside the whole recordings; a recording must
    be as long as ``shortest_s``, in seconds.
    ``normalise``: "speaker" standardises features over all of each speaker's recordings, the tested
    ones included (without their labels); such a model can be evaluated, but cannot run live.
    ``protocol`` gives the figures of the card.
    """

    name: str
    target: str
    labels: Annotated[list[str], msgspec.Meta(min_length=2)]
    extractors: list[PluginTable]
    classifier: PluginTable
    about: About
    rate: Count = 16000
    windows_s: list[Positive] = msgspec.field(default_factory=list)
    shortest_s: Positive = 0.1
    normalise: Literal["none", "speaker"] = "none"
    protocol: str = "loso"
    seed: int = 0


def read_recipe(path: Path) -> Recipe:
    """The checked recipe; raises ConfigError."""
    recipe = decode(_with_plugins(read_toml(path), str(path)), Recipe, str(path))
    if len(set(recipe.labels)) < len(recipe.labels):
        raise ConfigError(f"{path}: a label is listed twice", got=", ".join(recipe.labels))
    return recipe


def _with_plugins(tables: dict[str, Any], where: str) -> dict[str, Any]:
    """Plugins' options stand beside their names in a recipe as in a pipeline: the same reader splits them."""
    missing = {"extractors", "classifier"} - tables.keys()
    if missing:
        raise ConfigError(f"{where} has no {' and no '.join(sorted(missing))}", remedy="see configs/")
    plugins = {"extractors": tables["extractors"], "classifiers": [tables["classifier"]]}
    description = describe(plugins, where)
    extractors, (classifier,) = description.extractors, description.classifiers
    return tables | {
        "extractors": [msgspec.to_builtins(extractor) for extractor in extractors],
        "classifier": msgspec.to_builtins(classifier),
    }

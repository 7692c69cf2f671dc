"""Recipes read from TOML files, of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET
from stimmung.engine.config.schema import describe
from stimmung.engine.config.toml import decode, read_toml
from stimmung.engine.errors import ConfigError, nearest

from .joint_recipe import JointRecipe, joint_recipe
from .recipe import ContinuousRecipe, Extraction, Recipe
from .sections import check_augmentation


def read_any(path: Path) -> Recipe | ContinuousRecipe:
    """The checked recipe of either kind: a continuous one has a ``range``; raises ConfigError."""
    tables = read_toml(path)
    if "range" not in tables:
        return read_recipe(path)
    if tables.get("normalise") in ("stream", "offset"):
        got = f'normalise = "{tables["normalise"]}"'
        raise ConfigError(f"{path}: a number is not recognised live", got=got)
    tables = _with_activity(tables, str(path))
    plugins = describe({"extractors": tables.get("extractors", [])}, str(path)).extractors
    tables["extractors"] = [msgspec.to_builtins(extractor) for extractor in plugins]
    recipe = decode(tables, ContinuousRecipe, str(path))
    _check_extraction(recipe, str(path))
    return recipe


def read_recipe(path: Path) -> Recipe:
    """The checked recipe, a joint one where it has a ``[training]``; raises ConfigError."""
    tables = _with_plugins(_with_activity(read_toml(path), str(path)), str(path))
    if "training" in tables:
        recipe: Recipe = joint_recipe(tables, str(path))
    else:
        recipe = decode(tables, Recipe, str(path))
    if len(set(recipe.labels)) < len(recipe.labels):
        raise ConfigError(f"{path}: a label is listed twice", got=", ".join(recipe.labels))
    _check_extraction(recipe, str(path))
    if recipe.augmentation is not UNSET:
        check_augmentation(recipe.augmentation, str(path))
        if recipe.speeds:
            raise ConfigError(
                f"{path} has both speeds and [augmentation]",
                remedy="make the speeds copies: [augmentation] copies = [0.9, 1.1]",
            )
    return recipe


def _with_activity(tables: dict[str, Any], where: str) -> dict[str, Any]:
    """The detector's options stand beside its name, as in a pipeline; [segments] is checked as there."""
    if "activity" in tables and "segments" not in tables:
        raise ConfigError(f"{where} has [activity] but no [segments]", remedy="add both or neither")
    given: dict[str, Any] = {name: tables[name] for name in ("activity", "segments") if name in tables}
    if not given:
        return tables
    vote = {"span_s": 1e9}  # nothing is voted on
    described = describe({**given, "extractors": [{"plugin": "hsf"}], "vote": vote}, where)
    activity = {} if described.activity is None else {"activity": msgspec.to_builtins(described.activity)}
    return tables | activity


def _check_estimated(asked: object, names: Sequence[str], where: str) -> None:
    """A fold may lack corpora that a classifier's option names, so the recipe's are checked here."""
    unknown = sorted({*map(str, asked)} - {*names}) if isinstance(asked, list) else []
    if unknown:
        raise ConfigError(
            f"{where}: 'estimate_from' names a corpus that is not among [[corpora]]",
            got=", ".join(unknown),
            expected=", ".join(names) or "none, as there are no [[corpora]]",
            remedy=nearest(unknown[0], names),
        )


def _check_extraction(recipe: Extraction, where: str) -> None:
    names = [table.name for table in recipe.corpora]
    if len(set(names)) < len(names):
        raise ConfigError(f"{where}: two [[corpora]] have the same name", got=", ".join(names))
    if isinstance(recipe, Recipe):
        _check_estimated(recipe.classifier.options.get("estimate_from"), names, where)
    for table in recipe.corpora:
        if table.label and (table.column or table.aliases):
            raise ConfigError(
                f"{where}: corpus '{table.name}' has one label for all and others too",
                got=f'label = "{table.label}" and column or aliases',
                remedy="keep one of them",
            )
        if table.column and table.columns is not UNSET and recipe.target in table.columns:
            raise ConfigError(
                f"{where}: corpus '{table.name}' has two columns for its labels",
                got=f"{table.column} and {table.columns[recipe.target]}",
                remedy=f"keep 'column', or '{recipe.target}' among its columns",
            )
        labels = recipe.labels if isinstance(recipe, Recipe) else []
        unknown = sorted({*table.aliases.values(), *filter(None, [table.label])} - set(labels))
        if labels and unknown:
            raise ConfigError(
                f"{where}: corpus '{table.name}' has labels that the recipe lacks",
                got=", ".join(unknown),
                expected=", ".join(labels),
                remedy=nearest(unknown[0], labels),
            )
    if recipe.segments is UNSET:
        return
    if recipe.windows_s or recipe.trim_s is not UNSET or isinstance(recipe, JointRecipe):
        raise ConfigError(
            f"{where} has [segments] beside windows_s, trim_s or [training]",
            expected="[segments] alone: they say what is trained on",
        )


def _with_plugins(tables: dict[str, Any], where: str) -> dict[str, Any]:
    """Plugins' options stand beside their names in a recipe as in a pipeline: the same reader splits them."""
    missing = {"extractors", "classifier"} - tables.keys()
    if missing:
        raise ConfigError(f"{where} has no {' and no '.join(sorted(missing))}", remedy="see configs/")
    plugins = {"extractors": tables["extractors"], "classifiers": [tables["classifier"]]}
    heard: dict[str, Any] = {}  # beside the transcriber itself
    if isinstance(tables.get("transcript"), dict):
        heard = {key: value for key, value in tables["transcript"].items() if key == "wait_s"}
        plugins["transcript"] = {
            key: value for key, value in tables["transcript"].items() if key not in heard
        }
    description = describe(plugins, where)
    extractors, (classifier,) = description.extractors, description.classifiers
    if classifier.normalise != "none":
        raise ConfigError(
            f"{where}: normalise is no key of [classifier] in a recipe", remedy="write it above the tables"
        )
    if "wait_s" in tables["classifier"]:
        raise ConfigError(
            f"{where}: wait_s is no key of [classifier] in a recipe", remedy="write it in [transcript]"
        )
    if description.transcript is not None:
        transcriber = msgspec.to_builtins(description.transcript)
        tables = tables | {"transcript": {"transcriber": transcriber, **heard}}
    return tables | {
        "extractors": [msgspec.to_builtins(extractor) for extractor in extractors],
        "classifier": msgspec.to_builtins(classifier.served),
    }

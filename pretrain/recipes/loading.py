"""Recipes read from TOML files, of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from stimmung.engine.config.schema import describe
from stimmung.engine.config.toml import decode, read_toml
from stimmung.engine.errors import ConfigError

from .joint_recipe import joint_recipe
from .recipe import ContinuousRecipe, Recipe


def read_any(path: Path) -> Recipe | ContinuousRecipe:
    """The checked recipe of either kind: a continuous one has a ``range``; raises ConfigError."""
    tables = read_toml(path)
    if "range" not in tables:
        return read_recipe(path)
    if tables.get("normalise") in ("stream", "offset"):
        got = f'normalise = "{tables["normalise"]}"'
        raise ConfigError(f"{path}: a number is not recognised live", got=got)
    plugins = describe({"extractors": tables.get("extractors", [])}, str(path)).extractors
    tables["extractors"] = [msgspec.to_builtins(extractor) for extractor in plugins]
    return decode(tables, ContinuousRecipe, str(path))


def read_recipe(path: Path) -> Recipe:
    """The checked recipe, a joint one where it has a ``[training]``; raises ConfigError."""
    tables = _with_plugins(read_toml(path), str(path))
    if "training" in tables:
        recipe: Recipe = joint_recipe(tables, str(path))
    else:
        recipe = decode(tables, Recipe, str(path))
    if len(set(recipe.labels)) < len(recipe.labels):
        raise ConfigError(f"{path}: a label is listed twice", got=", ".join(recipe.labels))
    return recipe


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

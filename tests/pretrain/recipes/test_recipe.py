"""Recipes are checked before anything is computed."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
from stimmung.engine.errors import ConfigError, UnknownPluginError
from stimmung.engine.registry import installed
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.training.dataset import read_items
from stimmung.pretrain.training.trainers import build_trainer

WriteRecipe = Callable[..., Path]
CONFIGS = Path(__file__).parents[3] / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*_svm.toml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_used(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    build_trainer(recipe)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*_whisper*.toml")), ids=lambda path: path.stem)
def test_every_shipped_recipe_of_several_corpora_can_be_used(path: Path) -> None:
    missing = {"whisper_encoder", "linear", "silero"} - set(installed())
    if missing:
        pytest.skip(f"no plugin {', '.join(sorted(missing))} is installed")
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    build_trainer(recipe)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*_whisper*.toml")), ids=lambda path: path.stem)
def test_every_corpus_of_a_shipped_recipe_is_labelled(path: Path, corpora: Path, tmp_path: Path) -> None:
    tables = tomllib.loads(path.read_text())
    for name in ("segments", "activity", "normalise"):  # what is read needs none of the plugins
        tables.pop(name)
    tables |= {"extractors": [{"plugin": "toy"}], "classifier": {"plugin": "svm"}}
    plain = tmp_path / path.name
    plain.write_text(tomli_w.dumps(tables))
    recipe = read_recipe(plain)
    data = read_items(recipe, [corpora / table.name for table in recipe.corpora], complete=True)
    assert {item.label for item in data.items} == set(recipe.labels)
    assert {item.corpus for item in data.items} == {table.name for table in recipe.corpora}
    assert not any("test-other" in str(item.file) for item in data.items)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("window_s = [1.0]", r"unknown key 'window_s'.*did you mean 'windows_s'\?"),
        ("windows_s = [-1.0]", "windows_s"),
        ('normalise = "speakers"', "normalise"),
        ("rate = 0", "rate"),
    ],
)
def test_a_wrong_key_or_value_is_named(recipe: WriteRecipe, wrong: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_recipe(recipe(wrong))


def test_a_label_listed_twice_is_refused(recipe: WriteRecipe) -> None:
    path = recipe()
    path.write_text(path.read_text().replace('"neutral"', '"anger"'))
    with pytest.raises(ConfigError, match="listed twice"):
        read_recipe(path)


def test_a_recipe_without_a_classifier_is_refused(recipe: WriteRecipe) -> None:
    path = recipe()
    path.write_text(path.read_text().replace("[classifier]", "[other]"))
    with pytest.raises(ConfigError, match="has no classifier"):
        read_recipe(path)


def test_an_unknown_option_of_the_trainer_is_answered_with_the_nearest(recipe: WriteRecipe) -> None:
    with pytest.raises(ConfigError, match=r"plugin 'svm' has no option 'sed'.*did you mean 'seed'\?"):
        build_trainer(read_recipe(recipe(c="0.1\nsed = 1")))


@pytest.mark.parametrize("c", ["0", "[]", "[1.0, -1.0]", '"high"'])
def test_a_cost_that_is_none_is_refused(recipe: WriteRecipe, c: str) -> None:
    with pytest.raises(ConfigError, match="option 'c' of plugin 'svm'"):
        build_trainer(read_recipe(recipe(c=c)))


def test_an_unknown_classifier_is_answered_with_the_nearest(recipe: WriteRecipe) -> None:
    path = recipe()
    path.write_text(path.read_text().replace('"svm"', '"svn"'))
    with pytest.raises(UnknownPluginError, match=r"did you mean 'svm'\?"):
        build_trainer(read_recipe(path))

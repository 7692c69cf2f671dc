"""Recipes are checked before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from stimmung.engine.errors import ConfigError, UnknownPluginError
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.training.dataset import read_items
from stimmung.pretrain.training.trainers import build_trainer

WriteRecipe = Callable[..., Path]
CONFIGS = Path(__file__).parents[3] / "configs"


SHIPPED = [*sorted(CONFIGS.glob("*_svm.toml")), *sorted(CONFIGS.glob("*_whisper*.toml"))]
SEVERAL = [path for path in SHIPPED if "[[corpora]]" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_recipe_can_be_used(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name == path.stem
    build_trainer(recipe)


@pytest.mark.parametrize("path", SEVERAL, ids=lambda path: path.stem)
def test_every_corpus_of_a_shipped_recipe_is_labelled(path: Path, corpora: Path) -> None:
    recipe = read_recipe(path)
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


def test_an_estimate_from_a_corpus_that_the_recipe_lacks_is_refused(tmp_path: Path) -> None:
    text = (CONFIGS / "emotion_whisper.toml").read_text().replace('"cremad_part"]', '"cremad_prat"]')
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"got cremad_prat, .*did you mean 'cremad_part'"):
        read_recipe(tmp_path / "recipe.toml")


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

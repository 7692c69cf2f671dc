"""What is tested is heard under a condition; what is trained on is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stimmung.engine.errors import ConfigError
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.features.audio import item_audio
from stimmung.pretrain.features.conditions import CONDITIONS, under
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.training import fitting
from stimmung.pretrain.training.dataset import condition_rows, corpus_rows, read_items
from stimmung.pretrain.training.trainers import fit_speakers
from tones import RATE

WriteRecipe = Callable[..., Path]


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_is_the_same_each_time(name: str, corpus: Path, recipe: WriteRecipe) -> None:
    data = read_items(read_recipe(recipe()), corpus)
    one, again = (item_audio(under(data, name).items[5], RATE) for _ in range(2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, item_audio(data.items[5], RATE))


def test_only_what_is_tested_is_heard_so(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_recipe(recipe())
    data = read_items(read, corpus)
    clean = corpus_rows(read, data, None).features[0]
    trained, tested = [], []

    def fit(trainer, rows, *given):  # type: ignore[no-untyped-def]
        trained.append(rows.features[0])
        return fit_speakers(trainer, rows, *given)

    ask = fitting.ask

    def asked(recipe, corpus, rows, *given):  # type: ignore[no-untyped-def]
        tested.append(rows.features[0])
        return ask(recipe, corpus, rows, *given)

    monkeypatch.setattr(fitting, "fit_speakers", fit)
    monkeypatch.setattr(fitting, "ask", asked)
    report = evaluate(recipe(), corpus, "loso", tmp_path / "out", condition="noise")
    assert report["condition"] == {"noise": CONDITIONS["noise"]}
    assert report["n"] == 48
    assert all(np.array_equal(one, clean) for one in trained)
    assert all(one.shape == clean.shape and not np.array_equal(one, clean) for one in tested)


def test_conditions_of_some_speakers_are_those_of_all(corpus: Path, recipe: WriteRecipe) -> None:
    read = read_recipe(recipe())
    data = read_items(read, corpus)
    every = condition_rows(read, data, "babble", data.speakers, None)
    some = condition_rows(read, data, "babble", ["s2"], None)
    assert {data.items[at].speaker for at in some.item} == {"s2"}
    assert np.array_equal(some.features[0], every.features[0][some.item])


def test_an_unknown_condition_names_those_there_are(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as error:
        evaluate(recipe(), corpus, "loso", tmp_path / "out", condition="opuss")
    assert all(name in str(error.value) for name in CONDITIONS)

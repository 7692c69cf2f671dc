"""Copies of recordings at other speeds: trained on, never tested, and heard as other voices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from stimmung.engine.errors import ConfigError
from stimmung.pretrain.corpora.corpus import Corpus, Item
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.experiments.embedded_emotions import run
from stimmung.pretrain.features.audio import item_audio
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.recipes.recipe import Recipe
from stimmung.pretrain.training import fitting
from stimmung.pretrain.training.dataset import corpus_rows, read_items
from stimmung.pretrain.training.joint.dataset import Example
from stimmung.pretrain.training.joint.inference import FeatureTable as Asked
from stimmung.pretrain.training.joint.trainer import _recordings
from stimmung.pretrain.training.trainers import fit_speakers
from tones import RATE

WriteRecipe = Callable[..., Path]
SPEEDS = "speeds = [0.8, 1.25]"


@pytest.fixture
def read(corpus: Path, recipe: WriteRecipe) -> tuple[Recipe, Corpus]:
    found = read_recipe(recipe(SPEEDS))
    return found, read_items(found, corpus)


def strongest_hz(item: Item) -> float:
    samples = item_audio(item, RATE)
    return float(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax() * RATE / len(samples))


def test_a_faster_recording_is_shorter_and_higher(read: tuple[Recipe, Corpus]) -> None:
    recorded, faster = read[1].items[0], read[1].at(1.25).items[0]
    assert len(item_audio(faster, RATE)) == pytest.approx(len(item_audio(recorded, RATE)) / 1.25, abs=1)
    assert strongest_hz(faster) == pytest.approx(1.25 * strongest_hz(recorded), rel=0.01)


def test_a_part_of_a_file_is_the_same_part_at_any_speed(read: tuple[Recipe, Corpus]) -> None:
    some = replace(read[1].items[0], start_s=0.1, stop_s=0.4, speed=0.8)
    assert len(item_audio(some, RATE)) == pytest.approx(0.3 * RATE / 0.8, abs=1)


def test_copies_are_trained_on_and_never_tested(
    read: tuple[Recipe, Corpus],
    corpus: Path,
    recipe: WriteRecipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained = []

    def fit(trainer, rows, *given):  # type: ignore[no-untyped-def]
        trained.append(len(rows.item))
        return fit_speakers(trainer, rows, *given)

    monkeypatch.setattr(fitting, "fit_speakers", fit)
    report = evaluate(recipe(SPEEDS), corpus, "loso", tmp_path / "out")
    assert report["n"] == len(read[1].items) == 48
    assert trained == [3 * 48] * 4
    assert report["config"]["speeds"] == [0.8, 1.25]


def test_a_copy_is_normalised_by_its_own_voice(read: tuple[Recipe, Corpus]) -> None:
    recipe, data = read
    stream = msgspec.structs.replace(recipe, normalise="stream")
    rows = corpus_rows(stream, data, None)
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "fit_speakers", lambda trainer, rows, *given: seen.append(rows))
        fitting.fit(stream, data, rows, {}, data.speakers)
    (normal,) = seen[0].features
    population = fitting.populations(rows, data, data.speakers, 10.0)[0]
    assert population is not None
    centre = np.frombuffer(population.mean, "<f4")
    for voice in np.split(normal, 3):
        own = voice[[item.speaker == "s1" for item in data.items]]
        assert np.abs(own.mean(axis=0) - centre).max() < 1e-3
    assert np.abs(rows.copies[0].features[0].mean(axis=0) - rows.features[0].mean(axis=0)).max() > 0.1


def test_an_epoch_hears_a_recording_once_as_it_was_or_as_a_copy() -> None:
    def voice(whole: bool) -> list[Example]:
        return [Example(number, whole, np.zeros(1, np.float32)) for number in range(2)]

    two_kinds = [*voice(True), *voice(False), *voice(True), *voice(False), *voice(False)]
    rows = Asked(two_kinds, [], np.zeros(len(two_kinds), np.int64))
    assert _recordings(rows) == [[0, 2], [1, 3], [4, 6, 8], [5, 7, 9]]


def test_a_sweep_refuses_speeds(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has speeds, got a sweep"):
        run.run(recipe(SPEEDS), corpus, tmp_path, lambda done, total, what: None)


def test_a_speed_that_no_voice_has_is_refused(recipe: WriteRecipe) -> None:
    with pytest.raises(ConfigError, match=r"speeds"):
        read_recipe(recipe("speeds = [4.0]"))

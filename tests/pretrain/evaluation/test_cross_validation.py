"""Evaluation and training from end to end, on tones and on a few real recordings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stimmung.engine.errors import ConfigError, ProtocolError
from stimmung.engine.models.cards import load_card, verify
from stimmung.plugins.classify.svm import Svm
from stimmung.pretrain.corpora.corpus import Corpus, read_corpus
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.features.extraction import FeatureTable
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.train import train
from stimmung.pretrain.training.contract import Trained
from stimmung.pretrain.training.dataset import corpus_rows
from stimmung.pretrain.training.trainers import build_trainer, fit_speakers

WriteRecipe = Callable[..., Path]

EMODB = Path(__file__).parents[4] / "shared" / "corpora" / "emodb4" / "corpus.csv"


def test_a_report_says_how_well_and_how_it_was_measured(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    report = evaluate(recipe(), corpus, "loso", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    assert report["uar"] > 0.9
    assert report["uar_ci95"][0] <= report["uar"] <= report["uar_ci95"][1]
    assert report["n"] == 48
    assert np.sum(report["confusion"], axis=1).tolist() == [12, 12, 12, 12]
    assert [fold["test_speakers"] for fold in report["per_fold"]] == [["s0"], ["s1"], ["s2"], ["s3"]]
    assert report["config"]["classifier"]["options"] == {"c": 0.01}
    assert report["inputs"] == [{"name": "toy", "dim": 40, "version": "1"}]
    assert {"python", "numpy", "scikit-learn"} <= report["versions"].keys()


def test_the_same_evaluation_twice_gives_the_same_report(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    path = recipe("windows_s = [0.3]")
    assert evaluate(path, corpus, "loso", tmp_path / "a") == evaluate(path, corpus, "loso", tmp_path / "b")


def test_labels_that_say_nothing_about_the_audio_are_recognised_at_chance(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    header, *lines = corpus.read_text().splitlines()
    labels = [line.rpartition(",")[2] for line in lines]
    shuffled = np.random.default_rng(1).permutation(labels)
    rows = [f"{line.rpartition(',')[0]},{label}" for line, label in zip(lines, shuffled, strict=True)]
    corpus.write_text("\n".join([header, *rows]))
    assert evaluate(recipe(), corpus, "loso", tmp_path / "out")["uar"] < 0.5


def test_nothing_of_a_tested_speaker_reaches_the_model_that_is_tested(
    corpus: Path, recipe: WriteRecipe
) -> None:
    read = read_recipe(recipe("windows_s = [0.4]", c="[1e-6, 0.001, 0.01]"))
    data = read_corpus(corpus, read.target, read.labels)
    rows = corpus_rows(read, data, None)

    def without_s0(rows: FeatureTable, data: Corpus) -> Trained:
        return fit_speakers(build_trainer(read), rows, data, ["s1", "s2", "s3"])

    items = tuple(replace(item, label="anger") if item.speaker == "s0" else item for item in data.items)
    other = rows.features[0].copy()
    other[[data.items[position].speaker == "s0" for position in rows.item]] *= -100
    model = without_s0(rows, data)
    altered = without_s0(replace(rows, features=[other]), replace(data, items=items))
    assert altered.chosen == model.chosen
    np.testing.assert_array_equal(altered.predict(rows.features), model.predict(rows.features))


def test_a_leaking_protocol_is_refused(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    folds = tmp_path / "folds.toml"
    folds.write_text('[[folds]]\ntest = ["s0", "s1", "s2", "s3"]\ntrain = ["s0", "s1", "s2", "s3"]\n')
    with pytest.raises(ProtocolError, match="same speakers, got speakers s0, s1, s2, s3"):
        evaluate(recipe(), corpus, f"folds:{folds}", tmp_path / "out")


def test_a_recording_listed_for_two_speakers_is_refused(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    (corpus.parent / "copy.wav").write_bytes((corpus.parent / "0_anger_0.wav").read_bytes())
    corpus.write_text(corpus.read_text() + "copy.wav,s3,anger\n")
    with pytest.raises(ProtocolError, match=r"speakers s0 and s3 share a recording.*copy\.wav"):
        evaluate(recipe(), corpus, "loso", tmp_path / "out")


def test_windows_are_trained_on_and_reported_beside_the_whole_recordings(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    report = evaluate(recipe("windows_s = [0.6, 5.0]"), corpus, "loso", tmp_path / "out")
    assert report["n"] == 48
    assert report["windows"]["0.6 s"]["n"] > 0
    assert report["windows"]["5 s"] == {"n": 0}


def test_speaker_normalisation_uses_each_speakers_own_recordings_and_says_so(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    path = recipe('normalise = "speaker"')
    read = read_recipe(path)
    rows = corpus_rows(read, read_corpus(corpus, read.target, read.labels), None)
    np.testing.assert_allclose(rows.features[0][:12].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(rows.features[0][:12].std(axis=0), 1, atol=1e-4)
    assert "not live" in evaluate(path, corpus, "loso", tmp_path / "out")["notes"][0]


def test_a_model_that_could_not_run_live_is_not_trained(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"cannot become a model.*stimmung evaluate"):
        train(recipe('normalise = "speaker"'), corpus, tmp_path / "model")


def test_a_trained_model_carries_its_card_and_recognises_its_training_data(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    seen: list[tuple[int, int, str]] = []
    path = recipe()
    folder = train(path, corpus, tmp_path / "model", lambda *step: seen.append(step))
    card = load_card(folder)
    verify(folder, card)
    assert (card.trained_on.clips, card.trained_on.speakers) == (48, 4)
    assert card.inputs[0].version == "1"
    assert card.recipe["classifier"]["plugin"] == "svm"
    assert card.recipe["classifier"]["options"] == {"c": 0.01}
    assert card.figures["uar"] == pytest.approx(
        evaluate(path, corpus, "loso", tmp_path / "out")["uar"], abs=1e-4
    )
    assert {what for _, _, what in seen} == {"features", "trainings"}
    read = read_recipe(path)
    rows = corpus_rows(read, read_corpus(corpus, read.target, read.labels), None)
    predicted = Svm(str(folder)).predict(rows.features).argmax(axis=1)
    truth = [card.labels.index(item.label) for item in read_corpus(corpus, read.target, read.labels).items]
    assert np.mean(predicted == truth) > 0.9


def test_training_twice_gives_the_same_probabilities_to_the_bit(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    features = [np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)]
    first, second = (
        Svm(str(train(recipe(), corpus, tmp_path / name))).predict(features) for name in ("one", "two")
    )
    np.testing.assert_array_equal(first, second)


def test_a_folder_with_other_things_in_it_is_not_overwritten(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(ConfigError, match="no model folder and not empty"):
        train(recipe(), corpus, tmp_path / "thesis")


@pytest.mark.skipif(not EMODB.exists(), reason="the corpus emodb4 is not in ../shared/corpora")
def test_even_twenty_bands_tell_real_emotions_apart_in_unheard_speakers(
    recipe: WriteRecipe, tmp_path: Path
) -> None:
    header, *lines = EMODB.read_text().splitlines()
    few = [f"{EMODB.parent}/{line}" for line in lines if line.split(",")[1] in ("03", "08", "09", "10")]
    part = tmp_path / "corpus.csv"
    part.write_text("\n".join([header, *few]))
    report = evaluate(recipe(c="1e-3"), part, "loso", tmp_path / "out")
    assert len(report["per_fold"]) == 4
    assert report["uar"] > 0.4


@pytest.mark.parametrize("extra", ["windows_s = [0.3]", "select = {c = [1e-3, 0.01]}\ninner = 3"])
def test_a_report_is_the_same_whatever_the_number_of_jobs(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path, extra: str
) -> None:
    path = recipe(extra)
    steps: list[tuple[int, int, str]] = []
    for jobs in (1, 3):
        evaluate(path, corpus, "loso", tmp_path / str(jobs), lambda *step: steps.append(step), jobs=jobs)
    for name in ("report.json", "predictions.csv"):
        one, three = (tmp_path / str(jobs) / name for jobs in (1, 3))
        assert one.read_bytes() == three.read_bytes()
    of = [done for done, _, what in steps if what == "trainings"]
    assert of == [*range(1, len(of) // 2 + 1)] * 2

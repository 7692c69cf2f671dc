"""What trains is what runs: a speaker's recordings as one stream, here and through the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from stimmung.engine.config.schema import describe
from stimmung.engine.errors import ConfigError
from stimmung.engine.models.cards import load_card, verify
from stimmung.engine.models.statistics import read_populations
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Chunk, Prediction
from stimmung.plugins.classify.linear import Linear
from stimmung.plugins.classify.svm import Svm
from stimmung.pretrain.corpora.corpus import Corpus, read_corpus
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.features.extraction import FeatureTable
from stimmung.pretrain.features.stream_normalisation import (
    by_speaker,
    places,
    populations,
    recordings,
    streamed,
    with_evidence,
)
from stimmung.pretrain.recipes.loading import read_any, read_recipe
from stimmung.pretrain.recipes.recipe import Recipe
from stimmung.pretrain.train import train
from stimmung.pretrain.training.dataset import corpus_rows
from stimmung.pretrain.training.fitting import fit

WriteRecipe = Callable[..., Path]
STREAM = 'normalise = "stream"\nnormalisation = { orders = 3 }\n'
SPEAKERS = ["s0", "s1", "s2", "s3"]
Read = tuple[Recipe, Corpus, FeatureTable]


@pytest.fixture
def read(corpus: Path, recipe: WriteRecipe) -> Read:
    """The tones' rows, whole and in windows."""
    read = read_recipe(recipe(STREAM + "windows_s = [0.4]"))
    data = read_corpus(corpus, read.target, read.labels)
    return read, data, corpus_rows(read, data, None)


def test_a_stream_of_recordings_through_the_engine_gives_the_predictions_of_the_evaluation(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    path = recipe(STREAM)
    folder = train(path, corpus, tmp_path / "model")
    read = read_recipe(path)
    data = read_corpus(corpus, read.target, read.labels)
    rows = corpus_rows(read, data, None)
    model = Svm(str(folder))
    found = streamed(rows, data, ["s2"], list(model.population), seed=4)
    order = recordings(rows, data, "s2", seed=4)
    expected = model.predict([matrix[order] for matrix in found.features])

    description = describe(
        {
            "segments": {"kind": "whole", "shortest_s": 0.1},
            "activity": {"plugin": "webrtc", "min_speech": 0.0},
            "extractors": [{"plugin": "toy"}],
            "classifiers": [{"plugin": "svm", "model": str(folder), "normalise": "stream"}],
        },
        "here",
    )
    chunks, start = [], 0
    for item in order:
        samples, rate = soundfile.read(data.items[item].file, dtype="float32")
        chunks.append(Chunk(samples[:, np.newaxis], rate, start=start))
        start += len(samples) + rate  # a second of nothing, which ends a stretch and begins the next
    with Host(description) as host:
        outputs = host.stream("s2").play(iter(chunks))
        live = [[*output.probabilities.values()] for output in outputs if isinstance(output, Prediction)]
    np.testing.assert_allclose(live, expected, atol=1e-6)


def test_no_recording_sees_those_after_it(read: Read) -> None:
    _, data, rows = read
    known = populations(rows, data, ["s1", "s2", "s3"], 5.0)
    order = recordings(rows, data, "s0", seed=1)
    later = np.isin(rows.item, order[5:])
    other = rows.features[0].copy()
    other[later] += 100
    before, after = (
        streamed(one, data, ["s0"], known, seed=1).features[0]
        for one in (rows, replace(rows, features=[other]))
    )
    np.testing.assert_array_equal(before[~later], after[~later])
    assert not np.array_equal(before[later], after[later])


def test_only_training_speakers_make_the_population(read: Read) -> None:
    recipe, data, rows = read
    spoilt = rows.features[0].copy()
    spoilt[[data.items[position].speaker == "s0" for position in rows.item]] *= -100
    others = SPEAKERS[1:]
    for training in ("speaker", "stream", "both"):
        options: dict[str, Any] = {"training": training}
        one = fit(recipe, data, rows, options, others)
        two = fit(recipe, data, replace(rows, features=[spoilt]), options, others)
        assert one.populations == two.populations
        np.testing.assert_array_equal(one.trained.predict(rows.features), two.trained.predict(rows.features))


def test_orders_are_seeded_and_every_recording_has_its_place(read: Read) -> None:
    _, data, rows = read
    assert recordings(rows, data, "s0", 1) == recordings(rows, data, "s0", 1)
    assert recordings(rows, data, "s0", 1) != recordings(rows, data, "s0", 2)
    found = places(rows, data, ["s0", "s3"], range(2))
    whole = rows.whole & np.isin(rows.item, [*range(12)])
    assert sorted(found[0, whole].tolist()) == list(range(1, 13))
    assert found[:, rows.item == 12].max() == 0


def test_all_of_a_speaker_at_once_has_the_populations_mean_and_deviation(read: Read) -> None:
    _, data, rows = read
    (population,) = populations(rows, data, SPEAKERS, 5.0)
    assert population is not None
    found = by_speaker(rows, data, SPEAKERS, [population]).features[0]
    own = rows.whole & (rows.item < 12)
    np.testing.assert_allclose(found[own].mean(axis=0), np.frombuffer(population.mean, "<f4"), atol=1e-3)
    deviation = np.frombuffer(population.deviation, "<f4")
    np.testing.assert_allclose(found[own].std(axis=0), deviation, rtol=1e-2, atol=1e-4)


def test_an_evaluation_averages_orders_and_says_what_the_first_recordings_cost(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    report = evaluate(recipe(STREAM), corpus, "loso", tmp_path / "out")
    assert (report["n"], report["orders"]) == (48, 3)
    assert report["uar"] > 0.9
    assert np.sum(report["confusion"]) == 3 * 48
    assert {place: one["n"] for place, one in report["by_place"].items()} == {
        "1": 12, "2": 12, "3–4": 24, "5–8": 48, "9–16": 48,
    }  # fmt: skip
    assert "each recording by itself and those before it" in report["notes"][0]
    lines = (tmp_path / "out" / "predictions.csv").read_text().splitlines()
    assert len(lines) == 1 + 48
    assert "How fast a speaker becomes known" in (tmp_path / "out" / "report.html").read_text()
    assert evaluate(recipe(STREAM), corpus, "loso", tmp_path / "again") == report


def test_its_options_are_selected_on_training_speakers(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    extra = STREAM + 'select = { prior_s = [1.0, 10.0], training = ["speaker", "both"] }\ninner = 3\n'
    report = evaluate(recipe(extra), corpus, "loso", tmp_path / "out")
    assert all(fold["chosen"]["prior_s"] in (1.0, 10.0) for fold in report["per_fold"])


def test_a_trained_model_carries_its_population(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    folder = train(recipe(STREAM), corpus, tmp_path / "model")
    card = load_card(folder)
    verify(folder, card)
    (population,) = read_populations(folder, card)
    assert population is not None
    assert (population.dim, population.prior_s) == (40, 10.0)
    assert Svm(str(folder)).population == (population,)
    train(recipe(), corpus, folder)
    assert Svm(str(folder)).population == ()


def test_what_cannot_run_live_is_refused(recipe: WriteRecipe, tmp_path: Path) -> None:
    path = recipe('normalise = "stream"')
    path.write_text(
        path.read_text().replace('labels = ["anger", "happiness", "neutral", "sadness"]', "range = [1, 5]")
    )
    with pytest.raises(ConfigError, match="a number is not recognised live"):
        read_any(path)


OFFSET = STREAM.replace("stream", "offset")


@pytest.fixture
def linear(recipe: WriteRecipe) -> Callable[[str], Path]:
    """Writes a recipe for the tones whose classifier is linear."""

    def write(extra: str = "") -> Path:
        path = recipe(OFFSET + extra)
        path.write_text(
            path.read_text().replace('plugin = "svm"\nc = 0.01', 'plugin = "linear"\nplain_share = 0.3')
        )
        return path

    return write


def test_a_stream_through_the_engine_has_the_offset_of_the_evaluation(
    corpus: Path, linear: Callable[[str], Path], tmp_path: Path
) -> None:
    path = linear("")
    folder = train(path, corpus, tmp_path / "model")
    read = read_recipe(path)
    data = read_corpus(corpus, read.target, read.labels)
    rows = corpus_rows(read, data, None)
    model = Linear(str(folder))
    assert model.offset is not None
    found = with_evidence(rows, data, ["s2"], model.offset, seed=4)
    order = recordings(rows, data, "s2", seed=4)
    expected = model.predict([matrix[order] for matrix in found.features])
    plain = model.predict([rows.features[0][order]])
    live = _live(folder, data, order, "offset")
    # Tones are told apart beyond doubt: only logarithms tell the numbers apart.
    np.testing.assert_allclose(_logs(live), _logs(expected), rtol=1e-4)
    assert not np.allclose(_logs(expected), _logs(plain), rtol=0.1)
    np.testing.assert_allclose(_live(folder, data, order, "none"), plain, atol=1e-6)


def _logs(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.log(np.asarray(probabilities, np.float64) + 1e-30)


def _live(folder: Path, data: Corpus, order: list[int], normalise: str) -> list[list[float]]:
    """The probabilities of the recordings in that order, a second of nothing between them, by a pipeline."""
    description = describe(
        {
            "segments": {"kind": "whole", "shortest_s": 0.1},
            "activity": {"plugin": "webrtc", "min_speech": 0.0},
            "extractors": [{"plugin": "toy"}],
            "classifiers": [{"plugin": "linear", "model": str(folder), "normalise": normalise}],
        },
        "here",
    )
    chunks, start = [], 0
    for item in order:
        samples, rate = soundfile.read(data.items[item].file, dtype="float32")
        chunks.append(Chunk(samples[:, np.newaxis], rate, start=start))
        start += len(samples) + rate
    with Host(description) as host:
        outputs = host.stream("s2").play(iter(chunks))
        return [[*output.probabilities.values()] for output in outputs if isinstance(output, Prediction)]


def test_an_evaluation_infers_offsets_in_several_orders(
    corpus: Path, linear: Callable[[str], Path], tmp_path: Path
) -> None:
    path = linear("windows_s = [0.4]\n")
    report = evaluate(path, corpus, "loso", tmp_path / "out")
    assert (report["n"], report["orders"]) == (48, 3)
    assert "Each speaker's offset was inferred by the stream" in report["notes"][0]
    assert evaluate(path, corpus, "loso", tmp_path / "again") == report


def test_a_model_loses_what_it_was_not_trained_with(
    corpus: Path, recipe: WriteRecipe, linear: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = train(recipe(STREAM), corpus, tmp_path / "model")
    train(linear(""), corpus, folder)
    assert {*load_card(folder).files} >= {"offset.safetensors", "linear.safetensors"}
    assert "population.safetensors" not in load_card(folder).files


def test_a_classifier_that_infers_no_offset_is_refused(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"classifier 'svm' infers no speaker's offset.*linear"):
        evaluate(recipe(OFFSET), corpus, "loso", tmp_path / "out")

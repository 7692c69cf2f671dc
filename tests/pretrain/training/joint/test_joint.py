"""Joint training: what is exported runs live exactly as it was trained, whatever hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from stimmung.engine.config.schema import describe
from stimmung.engine.errors import ConfigError, PluginError, ProtocolError
from stimmung.engine.models.cards import load_card
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.types import Chunk, Prediction
from stimmung.plugins.classify.fusion_mlp import FusionMlp
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.features.stream_normalisation import recordings, streamed
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.train import train
from stimmung.pretrain.training.dataset import corpus_rows, read_items
from stimmung.pretrain.training.joint.export import JointTraining
from stimmung.pretrain.training.trainers import build_trainer, fit_speakers
from tiny import heeded
from tones import write_corpus, write_joint

TOY = '[[extractors]]\nplugin = "toy"'
SYSTEMS = {
    "crnn": {"hearing": "crnn", "head": "softmax", "branches": "{}"},
    "multi_crnn": {"hearing": "multi_crnn", "head": "softmax", "branches": "{}"},
    "e2e_cnn_lstm": {"hearing": "e2e_cnn_lstm", "head": "softmax", "branches": "{}"},
    "fusion": {
        "hearing": "crnn",
        "head": "fusion_mlp",
        "others": TOY,
        "branches": "{ crnn = [8], toy = [12, 7] }",
    },
}


def written(folder: Path, system: str, **changes: str) -> Path:
    return write_joint(folder, **{**SYSTEMS[system], **changes})


def trained(recipe: Path, corpus: Path, out: Path) -> JointTraining:
    """A network on all of the corpus, saved as its plugins."""
    read = read_recipe(recipe)
    data = read_items(read, corpus)
    found = fit_speakers(build_trainer(read), corpus_rows(read, data, None), data, data.speakers)
    assert isinstance(found, JointTraining)
    return found


@pytest.fixture
def six(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "six", speakers=6)


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_streamed_equals_the_network_that_was_trained(
    system: str, six: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = heeded(monkeypatch)
    recipe, out = written(tmp_path, system), tmp_path / "model"
    train(recipe, six, out)
    read = read_recipe(recipe)
    data = read_items(read, six)
    rows = corpus_rows(read, data, None)
    for window_s, segments in (
        (0.0, {"kind": "whole", "shortest_s": 0.4}),
        (0.6, {"window_s": 0.6, "hop_s": 0.3, "shortest_s": 0.6}),
    ):
        chosen = rows.window_s == window_s
        heard, *others = load_card(out).inputs
        extractors = [{"plugin": heard.name, "model": str(tmp_path / heard.options["model"])}]
        extractors += [{"plugin": entry.name} for entry in others]
        tables = {"segments": segments, "extractors": extractors}
        tables["classifiers"] = [{"plugin": read.classifier.plugin, "model": str(out)}]
        with Host(describe(tables, "the test")) as host:
            streamed = []
            for item in (data.items[k] for k in np.unique(rows.item[chosen])):
                (feed,) = open_source(str(item.file)).feeds()
                for output in host.stream("s").play(feed.chunks):
                    if isinstance(output, Prediction):
                        streamed.append(list(output.probabilities.values()))
        expected = found[0].predict(rows.of(chosen))
        assert len(streamed) == len(expected) > 10
        assert np.abs(np.array(streamed) - expected).max() < 1e-5


@pytest.mark.parametrize("training", ["stream", "both"])
def test_what_is_normalised_by_the_stream_runs_as_it_was_trained(
    training: str, six: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = heeded(monkeypatch)
    recipe, out = written(tmp_path, "fusion"), tmp_path / "model"
    normalised = f'normalise = "stream"\nnormalisation = {{ training = "{training}", orders = 2 }}\n'
    recipe.write_text(normalised + recipe.read_text())
    train(recipe, six, out)
    read = read_recipe(recipe)
    data = read_items(read, six)
    rows = corpus_rows(read, data, None)
    model = FusionMlp(str(out))
    assert [one is not None for one in model.population] == [False, True]
    order = recordings(rows, data, "s2", seed=4)
    whole = {int(rows.item[row]): row for row in np.flatnonzero(rows.whole)}
    heard_rows = [whole[item] for item in order]
    normal = streamed(rows, data, ["s2"], list(model.population), seed=4)
    expected = found[0].predict([matrix[heard_rows] for matrix in normal.features])
    plain = found[0].predict([matrix[heard_rows] for matrix in rows.features])
    heard, other = load_card(out).inputs
    tables = {
        "segments": {"kind": "whole", "shortest_s": 0.4},
        "activity": {"plugin": "webrtc", "min_speech": 0.0},
        "extractors": [
            {"plugin": heard.name, "model": str(tmp_path / heard.options["model"])},
            {"plugin": other.name},
        ],
        "classifiers": [{"plugin": "fusion_mlp", "model": str(out), "normalise": "stream"}],
    }
    chunks, start = [], 0
    for item in order:
        samples, rate = soundfile.read(data.items[item].file, dtype="float32")
        chunks.append(Chunk(samples[:, np.newaxis], rate, start=start))
        start += len(samples) + rate
    with Host(describe(tables, "the test")) as host:
        outputs = list(host.stream("s2").play(iter(chunks)))
    live = [[*output.probabilities.values()] for output in outputs if isinstance(output, Prediction)]
    assert np.abs(np.array(live) - expected).max() < 1e-5
    assert np.abs(plain - expected).max() > 1e-4


def test_evaluation_of_a_joint_recipe_reports_as_any_other(six: Path, tmp_path: Path) -> None:
    report = evaluate(written(tmp_path, "fusion"), six, "groups:2", tmp_path / "report")
    assert report["n"] == 72
    assert set(report["per_fold"][0]["chosen"]) == {"epochs", "beta", "development loss"}
    assert [entry["dim"] for entry in report["inputs"]] == [384, 40]


def test_an_input_that_is_missing_counts_as_its_average(
    six: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heeded(monkeypatch)
    out = tmp_path / "model"
    train(written(tmp_path, "fusion"), six, out)
    model = FusionMlp(str(out))
    heard = np.random.default_rng(0).normal(size=(2, 384)).astype(np.float32)
    missing = np.full((2, 40), np.nan, np.float32)
    probabilities = model.predict([heard, missing])
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert not np.allclose(probabilities[0], probabilities[1], atol=1e-7)


def test_an_input_that_is_missing_is_refused_where_the_model_says_so(six: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    train(written(tmp_path, "fusion", missing="refuse"), six, out)
    missing = np.full((1, 40), np.nan, np.float32)
    with pytest.raises(PluginError, match="input 'toy' is missing"):
        FusionMlp(str(out)).predict([np.zeros((1, 384), np.float32), missing])


def test_the_same_seed_trains_the_same_network(six: Path, tmp_path: Path) -> None:
    recipe = written(tmp_path, "crnn")
    one, other = (trained(recipe, six, tmp_path) for _ in range(2))
    assert one.chosen == other.chosen


def test_too_few_speakers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="too few speakers"):
        trained(written(tmp_path, "crnn"), write_corpus(tmp_path / "two", speakers=2), tmp_path)


@pytest.mark.parametrize(
    ("system", "changes", "told"),
    [
        ("crnn", {"hearing": "toy"}, "the first extractor is trained"),
        ("crnn", {"head": "svm"}, "is no head"),
        ("fusion", {"head": "softmax"}, "softmax has one input"),
        ("crnn", {"branches": "{ hsf = [2] }"}, "names no extractor"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(
    system: str, changes: dict[str, str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told):
        read_recipe(written(tmp_path, system, **changes))

"""Models trained by fold answer streams exactly as a pipeline with the trained model does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stimmung.engine.config.schema import load_description
from stimmung.engine.errors import ConfigError
from stimmung.pretrain.corpora.corpus import read_corpus
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.evaluation.live_answers import StreamRunner
from stimmung.pretrain.evaluation.live_folds import FeatureRunner, LiveOptions, _description
from stimmung.pretrain.evaluation.live_streams import Condition, lengths, plans
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.reports.live_html import summary
from stimmung.pretrain.train import train
from stimmung.pretrain.training import fitting
from stimmung.pretrain.training.dataset import corpus_rows, silent
from tones import write_corpus

WriteRecipe = Callable[..., Path]
SEGMENTS = """
[activity]
plugin = "webrtc"
min_speech = 0.1
[segments]
window_s = 0.5
hop_s = 0.25
shortest_s = 0.4
"""
CLASSIFIER = """
[[classifiers]]
plugin = "{plugin}"
model = "{model}"
normalise = "{normalise}"
"""


@pytest.mark.parametrize("normalise", ["none", "stream", "offset"])
def test_answers_equal_the_predictions_of_a_pipeline_with_the_model(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path, normalise: str
) -> None:
    path, plugin = recipe(f'windows_s = [0.5]\nnormalise = "{normalise}"'), "svm"
    if normalise == "offset":
        plugin = "linear"
        path.write_text(path.read_text().replace('plugin = "svm"\nc = 0.01', 'plugin = "linear"'))
    read = read_recipe(path)
    data = read_corpus(corpus, read.target, read.labels)
    fitted = fitting.fit(read, data, corpus_rows(read, data, None), {}, ["s1", "s2", "s3"])
    others = corpus.parent / "others.csv"
    others.write_text("\n".join(row for row in corpus.read_text().splitlines() if ",s0," not in row) + "\n")
    train(tmp_path / "recipe.toml", others, tmp_path / "model")
    pipeline = tmp_path / "pipeline.toml"
    classifier = CLASSIFIER.format(plugin=plugin, model=tmp_path / "model", normalise=normalise)
    pipeline.write_text(f'{SEGMENTS}[[extractors]]\nplugin = "toy"\n{classifier}')
    description = load_description(str(pipeline))
    samples = lengths(data, read.rate, silent)
    plan = plans(data, samples, read.rate, Condition("live", 0.5))[0]
    items = [data.items[place.item] for place in plan.places]
    with StreamRunner(description) as runner:
        expected = runner.play(plan, items)
    with FeatureRunner(_description(read, LiveOptions(pipeline=str(pipeline)))) as features:
        found = features.play(plan, items).answers(fitted, list(runner.labels), read.rate)
    assert len(expected.starts) > 10
    np.testing.assert_array_equal(found.starts, expected.starts)
    np.testing.assert_array_equal(found.stops, expected.stops)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)


def all_is_speech(folder: Path) -> Path:
    """A pipeline without voice activity detection."""
    path = folder / "pipeline.toml"
    segments = SEGMENTS.partition("[segments]")[2]
    path.write_text(f'[segments]{segments}[[extractors]]\nplugin = "toy"\n')
    return path


def test_a_report_holds_plain_and_live_side_by_side(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    live = LiveOptions(0.5, [0.8], str(all_is_speech(tmp_path)))
    report = evaluate(recipe(), corpus, "groups:2", tmp_path / "out", live=live)
    assert report["plain"]["uar"] == pytest.approx(report["uar"])
    assert report["plain"]["n"] == report["live"]["n"] == 48
    assert report["live"]["unanswered"] == 0.0
    assert report["everyday_80"]["draws"] == 3
    assert "<h2>Live</h2>" in (tmp_path / "out" / "report.html").read_text()
    without = evaluate(recipe(), corpus, "groups:2", tmp_path / "without")
    assert {key: report[key] for key in without} == without


def test_corpora_left_out_in_turn_are_answered_live_whatever_the_number_of_jobs(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    path, corpora = recipe(), [corpus, write_corpus(tmp_path / "b", speakers=2, longer_s=0.05)]
    live = LiveOptions(0.5, pipeline=str(all_is_speech(tmp_path)))
    report, other = (
        evaluate(path, corpora, "loco", tmp_path / str(jobs), live=live, jobs=jobs) for jobs in (1, 2)
    )
    assert report == other
    assert report["plain"]["n"] == report["live"]["n"] == 48 + 24
    assert report["live"]["unanswered"] == 0.0
    assert list(report["per_corpus"]) == ["tones", "b"]
    assert [line.partition(":")[0] for line in summary(report)] == [
        "each recording by itself",
        "in a stream, with pauses",
    ]


def test_what_cannot_run_live_is_not_evaluated_live(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="cannot be evaluated live"):
        evaluate(recipe('normalise = "speaker"'), corpus, "loso", tmp_path / "out", live=LiveOptions())

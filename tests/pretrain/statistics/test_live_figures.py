"""Figures of answers of which some are unsure and some are missing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from stimmung.pretrain.statistics import metrics
from stimmung.pretrain.statistics.bootstrap import by_cluster, interval, resampled
from stimmung.pretrain.statistics.live_figures import FIGURES, LiveFigures, with_intervals

LABELS = ["anger", "neutral", "sadness"]
NONE = [np.nan, np.nan, np.nan]
# Two of each label: right, unsure, no answer and wrong among them.
TRUE = np.array([0, 0, 1, 1, 2, 2])
ANSWERS = np.array(
    [[0.8, 0.1, 0.1], [0.38, 0.32, 0.3], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7], NONE, [0.3, 0.1, 0.6]]
)
SPEAKERS = ["a", "b", "a", "b", "a", "b"]


def of(answers: np.ndarray = ANSWERS, *, neutral: str | None = "neutral") -> LiveFigures:
    return LiveFigures(LABELS, neutral, TRUE, answers, SPEAKERS, unsure_below=0.4)


def test_unsure_is_no_alarm_and_not_right_and_no_answer_is_never_right() -> None:
    found = of().figures()
    assert of().answers == ["anger", "unsure", "neutral", "sadness", "no answer", "sadness"]
    assert found["uar"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert found["false_alarms"] == pytest.approx(0.5)
    assert found["emotions_right"] == pytest.approx(0.5)
    assert found["coverage"] == pytest.approx(4 / 6)
    assert found["accuracy"] == pytest.approx(3 / 4)
    assert found["unanswered"] == pytest.approx(1 / 6)
    assert found["confusion"] == [[1, 0, 0, 1, 0], [0, 1, 1, 0, 0], [0, 0, 1, 0, 1]]
    assert found["recalls"]["anger"] == {"n": 2, "recall": 1.0, "recall_sure": 0.5}


def test_a_neutral_recording_that_is_unsure_or_unanswered_is_no_alarm() -> None:
    answers = ANSWERS.copy()
    answers[2], answers[3] = NONE, [0.38, 0.31, 0.31]
    assert of(answers).figures()["false_alarms"] == 0.0


def test_what_is_unlike_the_training_data_is_no_alarm_however_sure_the_answer() -> None:
    beyond = np.array([False, False, False, True, True, False])
    found = LiveFigures(LABELS, "neutral", TRUE, ANSWERS, SPEAKERS, unsure_below=0.4, beyond=beyond).figures()
    assert found["false_alarms"] == 0.0
    assert (found["coverage"], found["unanswered"]) == pytest.approx((3 / 6, 1 / 6))
    assert found["uar"] == of().figures()["uar"]


def test_answers_without_doubt_and_gaps_have_the_figures_of_a_confusion_and_their_intervals() -> None:
    random = np.random.default_rng(3)
    true = random.integers(3, size=90)
    answers = random.dirichlet([1, 1, 1], size=90)
    speakers = [f"s{k}" for k in random.integers(6, size=90)]
    found = LiveFigures(LABELS, "neutral", true, answers, speakers, unsure_below=0.0).figures()
    best = answers.argmax(axis=1)
    assert found["uar"] == pytest.approx(metrics.uar(true, best, 3))
    assert found["accuracy"] == pytest.approx(metrics.wa(true, best))
    assert found["ece"] == pytest.approx(metrics.ece(true, answers.astype(np.float32)))
    assert found["uar_ci95"] == pytest.approx(list(metrics.uar_ci95(true, best, 3, speakers)))


def test_an_interval_is_that_of_each_speaker_drawn_by_itself() -> None:
    each = by_cluster(["a", "b", "c", "c"], np.array([[1.0, 2.0], [3.0, 1.0], [0.0, 4.0], [2.0, 2.0]]))
    random = np.random.default_rng(5)
    one_by_one = [each[random.integers(3, size=3)].sum(axis=0) for _ in range(50)]
    np.testing.assert_allclose(resampled(each, 50, 5), one_by_one)
    low, high = interval(each, lambda sums: sums[:, 0] / sums[:, 1], resamples=50, seed=5)
    assert low <= each[:, 0].sum() / each[:, 1].sum() <= high


def test_the_curve_runs_from_no_alarm_to_an_emotion_for_every_answer() -> None:
    found = of().figures()
    first, last = found["curve"][0], found["curve"][-1]
    assert (first["false_alarms"], first["emotions_right"]) == (0.0, 0.0)
    # Unanswered recordings never get an emotion, however low the threshold.
    assert (last["false_alarms"], last["emotions_right"]) == (1.0, 0.75)
    alarms = [point["false_alarms"] for point in found["curve"]]
    assert alarms == sorted(alarms)
    assert found["at_false_alarms"]["0.1"] == pytest.approx(0.75 - 0.25)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    random = np.random.default_rng(0)
    true = random.integers(3, size=900)
    answers = random.dirichlet([1, 1, 1], size=900)
    found = LiveFigures(LABELS, "neutral", true, answers, ["a"] * 900, unsure_below=0.0).curve()
    assert len(found["curve"]) <= 200
    assert found["curve"][0]["false_alarms"] == 0.0
    assert found["curve"][-1]["false_alarms"] == 1.0


def test_figures_that_nothing_tells_of_are_none_and_the_rest_is_json() -> None:
    found = LiveFigures(LABELS, None, TRUE, np.full((6, 3), np.nan), ["a"] * 6, unsure_below=0.4).figures()
    assert found["false_alarms"] is None
    assert found["accuracy"] is None
    assert found["ece"] is None
    assert found["unanswered"] == 1.0
    assert found["uar_ci95"] is None
    assert "curve" not in found
    json.dumps(found, allow_nan=False)


def test_every_figure_has_a_place_in_the_table() -> None:
    assert list(with_intervals(of().values(), None)) == [
        name for figure in FIGURES for name in (figure, f"{figure}_ci95")
    ]

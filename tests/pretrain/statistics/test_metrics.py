"""Figures of merit against hand counts and known distributions."""

from __future__ import annotations

import numpy as np
import pytest
from stimmung.pretrain.statistics.metrics import confusion, ece, uar, uar_ci95, wa

TRUE = np.array([0, 0, 0, 0, 1, 1])
PREDICTED = np.array([0, 0, 0, 1, 1, 0])


def test_uar_counts_each_label_the_same_however_rare() -> None:
    assert uar(TRUE, PREDICTED, 2) == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert wa(TRUE, PREDICTED) == pytest.approx(4 / 6)


def test_a_label_that_does_not_occur_takes_no_part_in_the_uar() -> None:
    assert uar(TRUE, PREDICTED, 5) == uar(TRUE, PREDICTED, 2)


def test_a_confusion_matrix_has_true_rows() -> None:
    assert confusion(TRUE, PREDICTED, 3).tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]


def simulated(speakers: int, spread: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Forty clips of two labels each, recognised with 70 % plus or minus a speaker's own spread."""
    random = np.random.default_rng(3)
    chance = np.repeat(0.7 + random.uniform(-spread, spread, speakers), 40)
    true = np.tile([0, 1], 20 * speakers)
    predicted = np.where(random.random(len(true)) < chance, true, 1 - true)
    return true, predicted, [f"s{n // 40}" for n in range(len(true))]


def test_an_interval_holds_its_figure_and_is_the_same_for_the_same_seed() -> None:
    true, predicted, speakers = simulated(10, 0.0)
    low, high = uar_ci95(true, predicted, 2, speakers, seed=1)
    assert low < uar(true, predicted, 2) < high
    assert (low, high) == uar_ci95(true, predicted, 2, speakers, seed=1)
    assert (low, high) != uar_ci95(true, predicted, 2, speakers, seed=2)


def test_an_interval_is_as_wide_as_binomial_chance_where_speakers_are_alike() -> None:
    true, predicted, speakers = simulated(100, 0.0)
    low, high = uar_ci95(true, predicted, 2, speakers)
    binomial = 2 * 1.96 * np.sqrt(0.7 * 0.3 / len(true))
    assert high - low == pytest.approx(binomial, rel=0.25)


def test_speakers_who_differ_widen_the_interval() -> None:
    def width(spread: float) -> float:
        true, predicted, speakers = simulated(20, spread)
        low, high = uar_ci95(true, predicted, 2, speakers)
        return high - low

    assert width(0.3) > 1.5 * width(0.0)


def test_one_speaker_alone_gives_no_spread() -> None:
    low, high = uar_ci95(TRUE, PREDICTED, 2, ["a"] * 6)
    assert low == high == uar(TRUE, PREDICTED, 2)


def test_confidence_that_equals_accuracy_is_calibrated() -> None:
    probabilities = np.tile(np.float32([0.75, 0.25]), (4, 1))
    assert ece(np.array([0, 0, 0, 1]), probabilities) == pytest.approx(0)


def test_the_calibration_error_is_the_mean_gap_of_confidence_and_accuracy() -> None:
    probabilities = np.float32([[0.95, 0.05], [0.95, 0.05], [0.35, 0.65], [0.35, 0.65]])
    gaps = [abs(0.5 - 0.95), abs(1.0 - 0.65)]
    assert ece(np.array([0, 1, 1, 1]), probabilities) == pytest.approx(np.mean(gaps), abs=1e-6)


def test_full_confidence_falls_into_the_last_bin() -> None:
    assert ece(np.array([1]), np.float32([[0.0, 1.0]])) == 0

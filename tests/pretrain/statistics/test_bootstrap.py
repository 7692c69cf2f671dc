"""Intervals and tests that take whole speakers, against what can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from stimmung.pretrain.statistics import metrics
from stimmung.pretrain.statistics.bootstrap import by_cluster, interval, paired_p


def test_sums_are_by_cluster_in_the_order_of_their_names() -> None:
    sums = by_cluster(["b", "a", "b"], np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]))
    assert sums.tolist() == [[10.0, 20.0], [101.0, 202.0]]


def test_clusters_are_drawn_whole_so_that_copies_of_a_clip_add_no_certainty() -> None:
    right = np.array([1, 0, 1, 1, 0, 1, 1, 0])
    speakers = list("abcdefgh")

    def accuracy(copies: int) -> tuple[float, float]:
        each = np.stack([np.ones(8 * copies), np.repeat(right, copies)], axis=1)
        return interval(by_cluster(np.repeat(speakers, copies).tolist(), each), lambda s: s[:, 1] / s[:, 0])

    assert accuracy(1) == accuracy(50)


def test_an_interval_covers_what_the_binomial_distribution_says() -> None:
    each = np.stack([np.ones(40), np.arange(40) < 30], axis=1).astype(np.float64)
    low, high = interval(each, lambda sums: sums[:, 1] / sums[:, 0], resamples=20_000)
    expected = binom.ppf([0.025, 0.975], 40, 0.75) / 40
    np.testing.assert_allclose([low, high], expected, atol=0.026)


def test_the_ccc_is_that_of_lin() -> None:
    random = np.random.default_rng(0)
    true = random.normal(3, 1, 50)
    predicted = 0.5 * true + random.normal(1, 0.3, 50)
    by_hand = (
        2
        * np.cov(true, predicted, bias=True)[0, 1]
        / (true.var() + predicted.var() + (true.mean() - predicted.mean()) ** 2)
    )
    sums = metrics.moments(true, predicted).sum(axis=0)
    assert metrics.ccc_of(sums) == pytest.approx(by_hand)
    assert metrics.rmse_of(sums) == pytest.approx(np.sqrt(np.mean((true - predicted) ** 2)))
    assert metrics.ccc_of(metrics.moments(true, true).sum(axis=0)) == pytest.approx(1)
    assert metrics.ccc_of(metrics.moments(true, -true + 6).sum(axis=0)) < 0


@given(st.lists(st.tuples(st.floats(0.05, 0.95), st.integers(0, 1)), min_size=1, max_size=40))
def test_sums_of_the_calibration_give_the_expected_calibration_error(
    entries: list[tuple[float, int]],
) -> None:
    confident = np.array([[p, 1 - p] for p, _ in entries], np.float32)
    true = np.array([label for _, label in entries])
    sums = metrics.calibration(true, confident).sum(axis=0)
    assert metrics.ece_of(sums) == pytest.approx(metrics.ece(true, confident))
    assert sums[0].sum() == len(entries)


def accuracy(sums: np.ndarray) -> np.ndarray:
    return sums[..., 1] / sums[..., 0]


def test_the_paired_test_is_exact_for_few_speakers() -> None:
    """Five speakers, the second system right on one more clip of each: 2 of 32 exchanges are as one-sided."""
    one = np.array([[10.0, 5.0]] * 5)
    other = np.array([[10.0, 6.0]] * 5)
    assert paired_p(one, other, accuracy) == 2 / 32
    assert paired_p(one, one, accuracy) == 1.0


def test_the_paired_test_of_many_speakers_agrees_with_the_exact_one() -> None:
    random = np.random.default_rng(1)
    one = np.stack([np.full(14, 20.0), random.integers(8, 14, 14)], axis=1)
    other = one + np.stack([np.zeros(14), random.integers(-1, 3, 14)], axis=1)
    differences = (other - one)[:, 1]
    signs = 1 - 2 * np.array(np.meshgrid(*[[0, 1]] * 14)).reshape(14, -1).T
    exact = np.mean(np.abs(signs @ differences) >= abs(differences.sum()))
    assert paired_p(one, other, accuracy) == pytest.approx(exact, abs=0.02)

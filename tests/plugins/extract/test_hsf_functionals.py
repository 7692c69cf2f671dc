"""Functionals of contours simple enough to work them out by hand, and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal, stats
from stimmung.engine.types import Floats
from stimmung.plugins.extract.hsf import contours, durations, peaks, prediction, regression, statistics
from stimmung.plugins.extract.hsf.names import PEAKS


def contour(values: object) -> tuple[Floats, np.ndarray]:
    x = np.asarray(values, np.float32)[None]
    return x, np.array([x.shape[1]])


RANDOM = np.random.default_rng(3).normal(2, 1, 200)


def test_moments_are_those_of_scipy() -> None:
    deviation, skewness, kurtosis = statistics.moments(*contour(RANDOM))[0]
    assert deviation == pytest.approx(RANDOM.std(), rel=1e-5)
    assert skewness == pytest.approx(stats.skew(RANDOM), rel=1e-4)
    assert kurtosis == pytest.approx(stats.kurtosis(RANDOM, fisher=False), rel=1e-4)


def test_percentiles_interpolate_like_numpy() -> None:
    x, count = contour(RANDOM)
    found = statistics.percentiles(statistics.ordered(x, count), count)[0]
    q1, q2, q3, p1, p99 = np.percentile(x[0], [25, 50, 75, 1, 99])
    np.testing.assert_allclose(found, [q1, q2, q3, q2 - q1, q3 - q2, q3 - q1, p1, p99, p99 - p1], rtol=1e-5)


def test_means_leave_out_what_is_not_there() -> None:
    x = np.array([[1, -2, 4, 0, 0, 0]], np.float32)
    count = np.array([4])
    mean, flatness, positive, quadratic = statistics.means(statistics.sums(x, count), count)[0]
    assert (mean, positive) == (0.75, 2.5)
    assert flatness == pytest.approx(2 / (7 / 4))
    assert quadratic == pytest.approx(np.sqrt(21 / 4))


def test_a_parabola_is_found_again() -> None:
    time = np.arange(50)
    x, count = contour(0.02 * time**2 - 0.5 * time + 3)
    found = regression.regression(statistics.sums(x, count), count, np.ones(1))[0]
    np.testing.assert_allclose(found[3:6] * np.ptp(x), [0.02, -0.5, 3 - x.min()], rtol=1e-3)
    assert found[6] == pytest.approx(0, abs=1e-6)


def test_a_line_has_its_slope_per_second() -> None:
    x, count = contour(0.1 * np.arange(50) + 1)
    found = regression.regression(statistics.sums(x, count), count, np.full(1, 100.0))[0]
    assert found[0] * 4.9 == pytest.approx(10, rel=1e-4)
    assert found[2] == pytest.approx(0, abs=1e-9)


def test_prediction_finds_the_coefficients_of_an_autoregression() -> None:
    noise = np.random.default_rng(0).normal(size=20000)
    x, count = contour(signal.lfilter([1], [1, -0.9, 0.4], noise))
    gain, *coefficients = prediction.linear_prediction(x, count)[0]
    np.testing.assert_allclose(coefficients, [-0.9, 0.4, 0, 0, 0], atol=0.03)
    assert gain == pytest.approx(1, rel=0.05)


def test_times_count_frames_above_levels_and_rises() -> None:
    x, count = contour([0, 1, 2, 3, 4, 3, 2, 1, 0, 0])
    _, times = durations.durations(x, count, x.min(axis=1), x.max(axis=1))
    np.testing.assert_allclose(times[0], [0.5, 0.3, 0.1, 0.1, 4 / 9, 1 / 8])


def test_segments_begin_where_the_mean_crosses_a_quarter_or_three_quarters_of_the_range() -> None:
    x, count = contour(np.repeat([0, 1, 0, 1], 20))
    lengths, _ = durations.durations(x, count, x.min(axis=1), x.max(axis=1))
    mean, longest, shortest, _ = lengths[0]
    assert shortest == pytest.approx(0.20, abs=0.02)
    assert longest == pytest.approx(0.21, abs=0.02)
    assert mean == pytest.approx(0.20, abs=0.02)


def test_voiced_segments_are_runs_of_three_and_more() -> None:
    contour_ = np.zeros(60, np.float32)
    contour_[5:15] = contour_[20:50] = 100
    contour_[55:57] = 100
    mean, longest, shortest, _ = durations.voiced_segments(contour_)
    assert (longest, shortest) == pytest.approx((0.29, 0.09))
    assert mean == pytest.approx(0.19)


def measured(values: object) -> dict[str, float]:
    x, count = contour(values)
    mean = x.mean(axis=1, dtype=np.float64)
    found = peaks.peaks(x, count, x.min(axis=1), x.max(axis=1), mean)[0]
    return dict(zip(PEAKS, found.tolist(), strict=True))


def test_peaks_of_a_sine_are_its_periods_apart() -> None:
    found = measured(np.sin(2 * np.pi * np.arange(400) / 40 + 0.1))
    assert found["meanPeakDist"] == pytest.approx(0.4, abs=0.005)
    assert found["peakRangeAbs"] == pytest.approx(0, abs=1e-2)
    assert found["peakMeanAbs"] == pytest.approx(1, abs=1e-2)
    assert found["meanRisingSlope"] == pytest.approx(10, rel=0.1)


def test_ripples_below_a_tenth_of_the_range_are_no_peaks() -> None:
    time = np.arange(400)
    ripple = 0.04 * np.sin(2 * np.pi * time / 6)
    found = measured(np.sin(2 * np.pi * time / 100) + ripple)
    assert found["meanPeakDist"] == pytest.approx(1, abs=0.05)


def test_a_contour_without_extrema_keeps_its_overall_slope() -> None:
    found = measured(np.arange(50))
    assert found["meanPeakDist"] == found["meanFallingSlope"] == 0
    assert found["meanRisingSlope"] == pytest.approx(49 / 50)


def test_a_ramp_stays_a_ramp_whose_deltas_are_its_slope() -> None:
    level, change = contours.smooth_with_delta(np.arange(12, dtype=np.float32)[None])
    assert level.shape == change.shape == (10,)
    np.testing.assert_allclose(level[1:], np.arange(1, 10), rtol=1e-6)
    np.testing.assert_allclose(change[3:9], 1, rtol=1e-6)


def test_voiced_contours_are_smoothed_among_voiced_frames_only() -> None:
    x = np.array([[0, 100, 110, 0, 0, 90, 0]], np.float32)
    smooth, dense, count = contours.smooth_voiced(x)
    np.testing.assert_allclose(smooth[0], [0, 105, 105, 0, 0, 90, 0, 0])
    assert count.tolist() == [2, 1]
    np.testing.assert_allclose(dense[0, :2], 105)
    assert dense[1, 0] == pytest.approx(2 * (90 - 105) / (10 + 4))

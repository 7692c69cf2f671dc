"""Functionals of a contour's values: means, extremes, percentiles, moments.

Throughout the functionals ``x`` is (contours, frames), zero beyond the ``count`` (contours,) frames that
are real in each contour; every function returns (contours, values), values in the published order.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Bools, Floats

from .frames import Doubles, Ints

RANKS = np.array([0.25, 0.5, 0.75, 0.01, 0.99])


def real(x: Floats, count: Ints, short: int = 0) -> Bools:
    """True for all but the last ``short`` real frames of each contour."""
    return np.arange(x.shape[1] - short) < (count - short)[:, None]


def ordered(x: Floats, count: Ints) -> Floats:
    """Values in ascending order, infinity beyond the real ones."""
    ranked = x.copy()
    ranked[~real(x, count)] = np.inf
    ranked.sort(axis=1)
    return ranked


def bounds(ranked: Floats, count: Ints) -> tuple[Floats, Floats]:
    """Least and greatest value of each contour, from its ordered values; zeros for an empty one."""
    rows = np.arange(len(ranked))
    empty = count == 0
    return np.where(empty, 0, ranked[:, 0]), np.where(empty, 0, ranked[rows, np.maximum(count - 1, 0)])


def extremes(x: Floats, count: Ints, low: Floats, high: Floats) -> Doubles:
    """Range, and the places of maximum and minimum as shares of the contour's length."""
    size = np.maximum(count, 1)
    top, bottom = ((x == level[:, None]).argmax(axis=1) / size for level in (high, low))
    return np.stack([high - low, top, bottom], 1)


def percentiles(ranked: Floats, count: Ints) -> Doubles:
    """Quartiles, their three differences, 1st and 99th percentile and their difference."""
    place = RANKS * np.maximum(count - 1, 0)[:, None]
    lower = np.floor(place).astype(np.int64)
    below = np.take_along_axis(ranked, lower, 1).astype(np.float64)
    above = np.take_along_axis(ranked, np.ceil(place).astype(np.int64), 1).astype(np.float64)
    with np.errstate(invalid="ignore"):
        q1, q2, q3, p1, p99 = np.where((count > 0)[:, None], below + (above - below) * (place - lower), 0).T
    return np.stack([q1, q2, q3, q2 - q1, q3 - q2, q3 - q1, p1, p99, p99 - p1], 1)


def moments(x: Floats, count: Ints) -> Doubles:
    """Standard deviation, skewness, kurtosis; zero for a constant contour."""
    size = np.maximum(count, 1)
    mean = x.sum(axis=1, dtype=np.float64) / size
    centred = x - mean.astype(np.float32)[:, None]
    centred *= real(x, count)
    square = centred * centred
    m2 = square.sum(axis=1) / size
    m3 = np.einsum("ct,ct->c", square, centred) / size
    m4 = np.einsum("ct,ct->c", square, square) / size
    varies = m2 > 0
    spread = np.where(varies, m2, 1)
    return np.stack(
        [np.sqrt(m2), np.where(varies, m3 / spread**1.5, 0), np.where(varies, m4 / spread**2, 0)], 1
    )


def means(x: Floats, count: Ints) -> Doubles:
    """Arithmetic mean, flatness, mean of the positive values, root quadratic mean.

    Flatness is the geometric mean of the non-zero magnitudes over the arithmetic mean of all, and 1 for a
    zero contour.
    """
    size = np.maximum(count, 1)
    magnitude = np.abs(x)
    level = magnitude.sum(axis=1, dtype=np.float64)
    total = x.sum(axis=1, dtype=np.float64)
    quadratic = np.sqrt(np.einsum("ct,ct->c", x, x) / size)
    absent = magnitude == 0
    magnitude += absent
    log = np.log(magnitude, out=magnitude).sum(axis=1, dtype=np.float64)
    present = x.shape[1] - np.count_nonzero(absent, axis=1)
    geometric = np.exp(log / np.maximum(present, 1))
    flat = np.where(level > 0, geometric * size / np.where(level > 0, level, 1), count > 0)
    positive = (level + total) / 2 / np.maximum(np.count_nonzero(x > 0, axis=1), 1)
    return np.stack([total / size, flat, positive, quadratic], 1)


def soft_limit(value: Doubles, limit: Doubles | float, excess: Doubles | float) -> Doubles:
    """Linear up to ±``limit``, then bent so that it never exceeds ``limit + excess``: for ratios."""
    over = np.maximum(np.abs(value) - limit, 0)
    bent = limit + excess * np.tanh((np.sqrt(over + 1) - 1) / (0.5 * np.asarray(excess)))
    return np.where(over > 0, np.sign(value) * bent, value)

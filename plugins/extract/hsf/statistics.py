"""Functionals of a contour's values: means, extremes, percentiles, moments.

Every function takes (contours, frames) and returns (contours, values), values in the published order.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .frames import Doubles


def extremes(x: Floats) -> Doubles:
    """Range, and the places of maximum and minimum as shares of the contour's length."""
    top, bottom = x.argmax(axis=1), x.argmin(axis=1)
    rows = np.arange(len(x))
    return np.stack([x[rows, top] - x[rows, bottom], top / x.shape[1], bottom / x.shape[1]], 1)


def percentiles(ordered: Floats) -> Doubles:
    """Quartiles, their three differences, 1st and 99th percentile and their difference; sorted values in."""
    place = np.array([0.25, 0.5, 0.75, 0.01, 0.99]) * (ordered.shape[1] - 1)
    low = np.floor(place).astype(np.int64)
    high = np.ceil(place).astype(np.int64)
    q1, q2, q3, p1, p99 = (ordered[:, low] + (ordered[:, high] - ordered[:, low]) * (place - low)).T
    return np.stack([q1, q2, q3, q2 - q1, q3 - q2, q3 - q1, p1, p99, p99 - p1], 1)


def moments(x: Floats) -> Doubles:
    """Standard deviation, skewness, kurtosis; zero for a constant contour."""
    centred = x - x.mean(axis=1, dtype=np.float64)[:, None]
    square = centred * centred
    m2 = square.mean(axis=1)
    m3 = np.einsum("ct,ct->c", square, centred) / x.shape[1]
    m4 = np.einsum("ct,ct->c", square, square) / x.shape[1]
    spread = np.where(m2 > 0, m2, 1)
    return np.stack(
        [np.sqrt(m2), np.where(m2 > 0, m3 / spread**1.5, 0), np.where(m2 > 0, m4 / spread**2, 0)], 1
    )


def arithmetic_mean(x: Floats) -> Doubles:
    """(contours, 1)."""
    return x.mean(axis=1, dtype=np.float64)[:, None]


def flatness(x: Floats) -> Doubles:
    """Geometric mean of the non-zero magnitudes over the arithmetic mean of all; 1 for a zero contour."""
    size = np.abs(x)
    mean = size.mean(axis=1, dtype=np.float64)
    present = size > 0
    log = np.log(np.where(present, size, 1)).sum(axis=1, dtype=np.float64)
    geometric = np.exp(log / np.maximum(present.sum(axis=1), 1))
    return np.where(mean > 0, geometric / np.where(mean > 0, mean, 1), 1)[:, None]


def positive_mean(x: Floats) -> Doubles:
    """Mean of the positive values, zero where there is none."""
    positive = x > 0
    total = np.where(positive, x, 0).sum(axis=1, dtype=np.float64)
    return (total / np.maximum(positive.sum(axis=1), 1))[:, None]


def root_quadratic_mean(x: Floats) -> Doubles:
    """√ mean x²."""
    return np.sqrt((x * x).mean(axis=1, dtype=np.float64))[:, None]


def soft_limit(value: Doubles, limit: Doubles | float, excess: Doubles | float) -> Doubles:
    """Linear up to ±``limit``, then bent so that it never exceeds ``limit + excess`` (ratios with a tiny divisor)."""
    over = np.maximum(np.abs(value) - limit, 0)
    bent = limit + excess * np.tanh((np.sqrt(over + 1) - 1) / (0.5 * np.asarray(excess)))
    return np.where(over > 0, np.sign(value) * bent, value)

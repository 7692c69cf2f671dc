"""Functionals of a contour's values: means, extremes, percentiles, moments.

Throughout the functionals ``x`` is (contours, frames), zero beyond the ``count`` (contours,) frames that
are real in each contour; every function returns (contours, values), values in the published order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from stimmung.engine.types import Floats

from .compiled import compiled, compiled_part
from .frames import Doubles, Ints


def ordered(x: Floats, count: Ints) -> Floats:
    """Values in ascending order, infinity beyond the real ones."""
    ranked = np.empty_like(x)
    _copy(x, count, ranked)
    ranked.sort(axis=1)
    return ranked


@compiled("float32[:,:] int64[:] float32[:,:]")
def _copy(x: Floats, count: Ints, ranked: Floats) -> None:
    for c in range(count.size):
        here, out = x[c], ranked[c]
        for t in range(count[c]):
            out[t] = here[t]
        for t in range(count[c], out.size):
            out[t] = np.inf


def bounds(ranked: Floats, count: Ints) -> tuple[Floats, Floats]:
    """Least and greatest value of each contour, from its ordered values; zeros for an empty one."""
    rows = np.arange(len(ranked))
    empty = count == 0
    return np.where(empty, 0, ranked[:, 0]), np.where(empty, 0, ranked[rows, np.maximum(count - 1, 0)])


def extremes(x: Floats, count: Ints, low: Floats, high: Floats) -> Doubles:
    """Range, and the places of maximum and minimum as shares of the contour's length."""
    place = np.zeros((len(x), 2))
    _places(x, count, low, high, place)
    return np.column_stack([high - low, place / np.maximum(count, 1)[:, None]])


@compiled("float32[:,:] int64[:] float32[:] float32[:] float64[:,:]")
def _places(x: Floats, count: Ints, low: Floats, high: Floats, place: Doubles) -> None:
    """The first frames that hold the maximum and the minimum."""
    for c in range(count.size):
        here, out = x[c], place[c]
        t = 0
        while t < count[c] - 1 and here[t] != high[c]:
            t += 1
        out[0] = t
        t = 0
        while t < count[c] - 1 and here[t] != low[c]:
            t += 1
        out[1] = t


def percentiles(ranked: Floats, count: Ints) -> Doubles:
    """Quartiles, their three differences, 1st and 99th percentile and their difference."""
    found = np.zeros((len(ranked), 9))
    _percentiles(ranked, count, found)
    return found


@compiled_part()
def _percentile(ranked: Floats, count: int, rank: float) -> float:
    place = rank * (count - 1)
    lower = int(place)
    upper = lower + 1 if lower + 1 < count else lower
    below, above = float(ranked[lower]), float(ranked[upper])
    return below + (above - below) * (place - lower)


@compiled("float32[:,:] int64[:] float64[:,:]")
def _percentiles(ranked: Floats, count: Ints, found: Doubles) -> None:
    for c in range(count.size):
        here, out, number = ranked[c], found[c], count[c]
        if number == 0:
            continue
        first, second = _percentile(here, number, 0.25), _percentile(here, number, 0.5)
        third = _percentile(here, number, 0.75)
        least, greatest = _percentile(here, number, 0.01), _percentile(here, number, 0.99)
        out[0], out[1], out[2] = first, second, third
        out[3], out[4], out[5] = second - first, third - second, third - first
        out[6], out[7], out[8] = least, greatest, greatest - least


def moments(x: Floats, count: Ints) -> Doubles:
    """Standard deviation, skewness, kurtosis; zero for a constant contour."""
    central = np.zeros((len(x), 3))
    _central(x, count, central)
    m2, m3, m4 = central.T / np.maximum(count, 1)
    varies = m2 > 0
    spread = np.where(varies, m2, 1)
    root = np.sqrt(spread)
    return np.stack([np.sqrt(m2), m3 / (spread * root), m4 / (spread * spread)], 1)


@compiled("float32[:,:] int64[:] float64[:,:]", reorder=True)
def _central(x: Floats, count: Ints, central: Doubles) -> None:
    """Sums of the second, third and fourth power of the departures from the mean."""
    for c in range(count.size):
        here, out = x[c], central[c]
        frames = count[c]
        total = m2 = m3 = m4 = 0.0
        for t in range(frames):
            total += here[t]
        mean = total / frames
        for t in range(frames):
            departure = here[t] - mean
            square = departure * departure
            m2 += square
            m3 += square * departure
            m4 += square * square
        out[0] = m2
        out[1] = m3
        out[2] = m4


class Sums(NamedTuple):
    """Sums over each contour's frames t, and its range, (contours,) each: for means and trends."""

    value: Doubles
    magnitude: Doubles
    square: Doubles
    log_magnitude: Doubles
    first: Doubles
    second: Doubles
    first_magnitude: Doubles
    nonzero: Doubles
    positive: Doubles
    low: Doubles
    high: Doubles


def sums(x: Floats, count: Ints) -> Sums:
    """Σ x, Σ |x|, Σ x², Σ ln |x| (x ≠ 0), Σ t x, Σ t² x, Σ t |x|, frames with x ≠ 0 and with x > 0, range."""
    with np.errstate(divide="ignore"):
        log = np.abs(x)
        np.log(log, out=log)
    out = np.zeros((len(x), len(Sums._fields)))
    _accumulate(x, log, count, out)
    return Sums(*out.T)


@compiled("float32[:,:] float32[:,:] int64[:] float64[:,:]", reorder=True)
def _accumulate(x: Floats, log: Floats, count: Ints, sums: Doubles) -> None:
    for c in range(count.size):
        here, ln, out = x[c], log[c], sums[c]
        value = magnitude = square = log_magnitude = first = second = weighted = 0.0
        nonzero = positive = 0.0
        low = high = float(here[0]) if count[c] > 0 else 0.0
        for t in range(count[c]):
            y = float(here[t])
            size = abs(y)
            value += y
            magnitude += size
            square += y * y
            first += t * y
            second += t * t * y
            weighted += t * size
            log_magnitude += float(ln[t]) if y != 0 else 0.0
            nonzero += y != 0
            positive += y > 0
        for t in range(count[c]):  # apart: extremes would keep the sums out of the processor's lanes
            y = float(here[t])
            low = y if y < low else low
            high = y if y > high else high
        out[0] = value
        out[1] = magnitude
        out[2] = square
        out[3] = log_magnitude
        out[4] = first
        out[5] = second
        out[6] = weighted
        out[7] = nonzero
        out[8] = positive
        out[9] = low
        out[10] = high


def means(over: Sums, count: Ints) -> Doubles:
    """Arithmetic mean, flatness, mean of the positive values, root quadratic mean.

    Flatness is the geometric mean of the non-zero magnitudes over the arithmetic mean of all, and 1 for a
    zero contour.
    """
    size = np.maximum(count, 1)
    geometric = np.exp(over.log_magnitude / np.maximum(over.nonzero, 1))
    varies = over.magnitude > 0
    flat = np.where(varies, geometric * size / np.where(varies, over.magnitude, 1), count > 0)
    positive = (over.magnitude + over.value) / 2 / np.maximum(over.positive, 1)
    return np.stack([over.value / size, flat, positive, np.sqrt(over.square / size)], 1)


def soft_limit(value: Doubles, limit: Doubles | float, excess: Doubles | float) -> Doubles:
    """Linear up to ±``limit``, then bent so that it never exceeds ``limit + excess``: for ratios."""
    over = np.maximum(np.abs(value) - limit, 0)
    if not over.any():
        return value
    bent = limit + excess * np.tanh((np.sqrt(over + 1) - 1) / (0.5 * np.asarray(excess)))
    return np.where(over > 0, np.sign(value) * bent, value)

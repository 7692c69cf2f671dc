"""6373 functionals of one segment's contours: which functional of which contour, in the published order.

Four groups of contours: energy (4), spectral (55), voiced (6) and F0 by itself, each smoothed and as
deltas. The published set takes each group of functionals over the frames its contours had when the input
ended, so lengths differ by a few frames: with T rows, T - 2 for energy and voiced contours, T + 2 for spectral
ones, T and T - 2 for the further functionals of contours and of deltas. Contours of the voiced
group are reduced to their non-zero frames first.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from . import durations, peaks, prediction, regression, statistics
from .contours import Contours
from .frames import FRAME_PERIOD_S, Doubles, Ints


def functionals(contours: Contours) -> Doubles:
    """(6373,)."""
    rows, fewer = contours.rows, max(contours.rows - 2, 1)
    voiced = [contour[contour != 0] for contour in _cut(contours.voiced, contours.voiced_delta, fewer)]
    energy = _cut(contours.energy, contours.energy_delta, fewer)
    spectral = _cut(contours.spectral, contours.spectral_delta, rows + 2)
    level = _cut(contours.energy, contours.spectral, rows)
    change = _cut(contours.energy_delta, contours.spectral_delta, fewer)
    shape, segments = _shape(energy + spectral, voiced)
    means, turns, trend = _course(level, change, voiced)
    full, few, both = len(energy + spectral), len(level), len(level + change)
    blocks = [
        np.concatenate([shape[:full, :15], segments, shape[:full, 15:]], 1),
        np.concatenate([means[both:], shape[full:, :3], trend[few:], shape[full:, 3:]], 1),
        _pitch_presence(contours.voiced[:rows, 0]),
        np.concatenate([means[:few, [0, 1, 3]], turns[:few], trend[:few]], 1),
        np.concatenate([means[few:both, 1:], turns[few:]], 1),
    ]
    return np.concatenate([block.reshape(-1) for block in blocks])


def _cut(first: Floats, second: Floats, frames: int) -> list[Floats]:
    """The contours of both, no longer than ``frames``."""
    return [*first[:frames].T, *second[:frames].T]


def _padded(contours: list[Floats]) -> tuple[Floats, Ints]:
    """Contours of different lengths as one matrix with zeros behind them, and their lengths."""
    count = np.array([contour.size for contour in contours])
    x = np.zeros((len(contours), max(int(count.max()), 3)), np.float32)
    for row, contour in zip(x, contours, strict=True):
        row[: contour.size] = contour
    return x, count


def _shape(plain: list[Floats], voiced: list[Floats]) -> tuple[Doubles, Doubles]:
    """Extremes, percentiles, moments, times and prediction, (contours, 27), and the segments of the plain ones."""
    x, count = _padded(plain + voiced)
    ranked = statistics.ordered(x, count)
    low, high = statistics.bounds(ranked, count)
    parts = [
        statistics.extremes(x, count, low, high),
        statistics.percentiles(ranked, count),
        statistics.moments(x, count),
        durations.times(x, count, ranked, low, high),
        prediction.linear_prediction(x, count),
    ]
    some = len(plain)
    return np.concatenate(parts, 1), durations.segments(x[:some], count[:some], low[:some], high[:some])


def _course(
    level: list[Floats], change: list[Floats], voiced: list[Floats]
) -> tuple[Doubles, Doubles, Doubles]:
    """Means of all, peaks of contours and deltas, regression of contours (per second) and voiced ones (per frame)."""
    x, count = _padded(level + change + voiced)
    missing = ~statistics.real(x, count)
    empty = count == 0
    low = np.where(empty, 0, x.min(axis=1, initial=np.inf, where=~missing))
    high = np.where(empty, 0, x.max(axis=1, initial=-np.inf, where=~missing))
    means = statistics.means(x, count)
    both = len(level + change)
    turns = peaks.peaks(x[:both], count[:both], low[:both], high[:both], means[:both, 0])
    fitted = np.r_[: len(level), both : len(x)]
    rate = np.where(fitted < both, 1 / FRAME_PERIOD_S, 1.0)
    trend = regression.regression(x[fitted], count[fitted], low[fitted], high[fitted], rate)
    return means, turns, trend


def _pitch_presence(f0: Floats) -> Doubles:
    """The share of voiced frames and the lengths of voiced segments, (5,)."""
    return np.append(np.count_nonzero(f0) / f0.size, durations.voiced_segments(f0))

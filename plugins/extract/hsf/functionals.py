"""6373 functionals of one segment's contours: which functional of which contour, in the published order.

Four groups of contours: energy (4), spectral (55), voiced (6) and F0 by itself, each smoothed and as
deltas. The published set takes each group of functionals over the frames its contours had when the input
ended, so lengths differ by a few frames: with T rows, T - 2 for energy and voiced contours, T + 2 for
spectral ones, T and T - 2 for the further functionals of contours and of deltas. Contours of the voiced
group are reduced to their non-zero frames first.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from . import durations, names, peaks, prediction, regression, statistics
from .contours import Contours
from .frames import FRAME_PERIOD_S, Doubles, Ints

PLAIN, LEVEL = 2 * len(names.ENERGY + names.SPECTRAL), len(names.ENERGY + names.SPECTRAL)
ENERGY = np.r_[: len(names.ENERGY), LEVEL : LEVEL + len(names.ENERGY)]
SPECTRAL = np.r_[len(names.ENERGY) : LEVEL, LEVEL + len(names.ENERGY) : PLAIN]


def functionals(contours: Contours) -> Doubles:
    """(6373,)."""
    rows, fewer = contours.rows, max(contours.rows - 2, 1)
    x = np.zeros((PLAIN + len(contours.dense), rows + 2), np.float32)
    x[:PLAIN] = contours.plain
    x[PLAIN:, :rows] = contours.dense
    whole, course = np.empty((2, len(x)), np.int64)
    whole[ENERGY], whole[SPECTRAL] = fewer, rows + 2
    course[:LEVEL], course[LEVEL:PLAIN] = rows, fewer
    whole[PLAIN:] = course[PLAIN:] = contours.count
    shape, segments = _shape(x, whole)
    means, turns, trend = _course(x, course)
    plain = np.concatenate([shape[:PLAIN, :15], segments[:PLAIN], shape[:PLAIN, 15:]], 1)
    blocks = [
        plain[ENERGY],
        plain[SPECTRAL],
        np.concatenate([means[PLAIN:], shape[PLAIN:, :3], trend[LEVEL:], shape[PLAIN:, 3:]], 1),
        _pitch_presence(contours.voiced[0, :rows]),
        np.concatenate([means[:LEVEL, [0, 1, 3]], turns[:LEVEL], trend[:LEVEL]], 1),
        np.concatenate([means[LEVEL:PLAIN, 1:], turns[LEVEL:]], 1),
    ]
    return np.concatenate([block.reshape(-1) for block in blocks])


def _shape(x: Floats, count: Ints) -> tuple[Doubles, Doubles]:
    """Extremes, percentiles, moments, times, prediction, (contours, 27); and segments, (contours, 4)."""
    ranked = statistics.ordered(x, count)
    low, high = statistics.bounds(ranked, count)
    segments, times = durations.durations(x, count, low, high)
    parts = [
        statistics.extremes(x, count, low, high),
        statistics.percentiles(ranked, count),
        statistics.moments(x, count),
        times,
        prediction.linear_prediction(x, count),
    ]
    return np.concatenate(parts, 1), segments


def _course(x: Floats, count: Ints) -> tuple[Doubles, Doubles, Doubles]:
    """Means of all contours, peaks of the plain ones, regression of levels and, per frame, of voiced ones."""
    over = statistics.sums(x, count)
    means = statistics.means(over, count)
    turns = peaks.peaks(x[:PLAIN], count[:PLAIN], over.low[:PLAIN], over.high[:PLAIN], means[:PLAIN, 0])
    fitted = np.r_[:LEVEL, PLAIN : len(x)]
    some = statistics.Sums(*(field[fitted] for field in over))
    rate = np.where(fitted < PLAIN, 1 / FRAME_PERIOD_S, 1.0)
    return means, turns, regression.regression(some, count[fitted], rate)


def _pitch_presence(f0: Floats) -> Doubles:
    """The share of voiced frames and the lengths of voiced segments, (5,)."""
    return np.append(np.count_nonzero(f0) / f0.size, durations.voiced_segments(f0))

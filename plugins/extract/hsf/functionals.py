"""6373 functionals of one segment's contours: which functional of which contour, in the published order.

Four groups of contours: ``energy`` (4), ``spectral`` (55), ``voiced`` (6) and F0 by itself, each smoothed
and as deltas. Contours of the voiced group are reduced to their non-zero frames first.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from . import durations, peaks, prediction, regression, statistics
from .frames import Doubles
from .names import F0_SET, VOICED_SET


def shape(x: Floats) -> Doubles:
    """Functionals of energy and spectral contours and of their deltas, (contours, 31)."""
    return np.concatenate(
        [
            statistics.extremes(x),
            statistics.percentiles(np.sort(x, axis=1)),
            statistics.moments(x),
            durations.segments(x),
            durations.times(x),
            prediction.linear_prediction(x),
        ],
        1,
    )


def voiced(x: Floats) -> Doubles:
    """Functionals of pitch and voice quality where they are not zero, (contours, 39)."""
    return np.stack([_voiced_one(row[row != 0][None]) for row in x])


def _voiced_one(x: Floats) -> Doubles:
    if not x.size:
        return np.zeros(len(VOICED_SET))
    parts = [
        statistics.arithmetic_mean(x),
        statistics.flatness(x),
        statistics.positive_mean(x),
        statistics.root_quadratic_mean(x),
        statistics.extremes(x),
        regression.regression(x, per_second=False),
        statistics.percentiles(np.sort(x, axis=1)),
        statistics.moments(x),
        durations.times(x),
        prediction.linear_prediction(x),
    ]
    return np.concatenate(parts, 1)[0]


def f0(x: Floats) -> Doubles:
    """The share of voiced frames and the lengths of voiced segments, from the F0 contour (1, frames)."""
    share = np.count_nonzero(x) / x.size
    values = np.append(share, durations.voiced_segments(x[0]))
    return values.reshape(1, len(F0_SET))


def level(x: Floats) -> Doubles:
    """More functionals of energy and spectral contours, (contours, 23)."""
    return np.concatenate(
        [
            statistics.arithmetic_mean(x),
            statistics.flatness(x),
            statistics.root_quadratic_mean(x),
            peaks.peaks(x),
            regression.regression(x, per_second=True),
        ],
        1,
    )


def change(x: Floats) -> Doubles:
    """More functionals of their deltas, (contours, 15)."""
    return np.concatenate(
        [
            statistics.flatness(x),
            statistics.positive_mean(x),
            statistics.root_quadratic_mean(x),
            peaks.peaks(x),
        ],
        1,
    )

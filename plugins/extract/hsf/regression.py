"""Functionals of a contour's trend: linear and quadratic regression over time, and the temporal centroid.

With y_t the contour, t = 0…N-1 frames, and range R = max y - min y, in the published order:

* linear fit m t + n: m / R, (n - min y) / R, mean squared error / R²;
* quadratic fit a t² + b t + c: a / R, b / R, (c - min y) / R, mean squared error / R²;
* centroid Σ t |y| / (N Σ |y|).

Slopes are per second for contours of all frames and per frame for those of voiced frames only. m and b are soft-limited to R / 10 per frame,
a to √(R / 10). Reference: Eyben 2016, section 2.3.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .frames import FRAME_PERIOD_S, Doubles
from .statistics import soft_limit

MARGIN = 0.01


def regression(x: Floats, per_second: bool) -> Doubles:
    """(contours, frames) → (contours, 8)."""
    frames = x.shape[1]
    time = np.arange(frames, dtype=np.float64)
    values = x.astype(np.float64)
    size = np.abs(values)
    total = size.sum(axis=1)
    centroid = size @ time / np.where(total > 0, total, 1) / frames
    low = values.min(axis=1)
    spread = values.max(axis=1) - low
    inverse = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0)
    spread = np.where(spread > 0, spread, 1)
    m, n, linear = _fit(values, time, 1)
    (a, b), c, quadratic = _fit(values, time, 2)
    m = soft_limit(m[0], spread / 10, spread / 10 + MARGIN)
    a = soft_limit(a, np.sqrt(spread / 10), np.sqrt(spread / 10) + MARGIN)
    b = soft_limit(b, spread / 10, spread / 10 + MARGIN)
    rate = 1 / FRAME_PERIOD_S if per_second else 1.0
    return np.stack(
        [
            m * rate * inverse,
            (n - low) * inverse,
            linear * inverse**2,
            a * rate**2 * inverse,
            b * rate * inverse,
            (c - low) * inverse,
            quadratic * inverse**2,
            centroid,
        ],
        1,
    )


def _fit(values: Doubles, time: Doubles, degree: int) -> tuple[Doubles, Doubles, Doubles]:
    """Coefficients from the highest degree down to 1, (degree, contours), the constant, the mean squared error.

    Fewer frames than the fit needs give a zero slope.
    """
    frames = time.size
    if frames <= degree:
        constant = values[:, 0] if frames == 1 else np.zeros(len(values))
        rest = values - constant[:, None]
        return np.zeros((degree, len(values))), constant, (rest * rest).mean(axis=1)
    basis = np.vander(time, degree + 1)
    scale = np.linalg.norm(basis, axis=0)
    ortho, triangle = np.linalg.qr(basis / scale)
    projected = values @ ortho
    coefficients = np.linalg.solve(triangle, projected.T) / scale[:, None]
    rest = values - projected @ ortho.T
    return coefficients[:-1], coefficients[-1], np.einsum("ct,ct->c", rest, rest) / frames

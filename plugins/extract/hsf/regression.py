"""Functionals of a contour's trend: linear and quadratic regression over time, and the temporal centroid.

With y_t the contour, t = 0…N-1 frames, and range R = max y - min y, in the published order:

* linear fit m t + n: m / R, (n - min y) / R, mean squared error / R²;
* quadratic fit a t² + b t + c: a / R, b / R, (c - min y) / R, mean squared error / R²;
* centroid Σ t |y| / (N Σ |y|).

Slopes are per second or per frame. m and b are soft-limited to R / 10 per frame, a to √(R / 10). The fits
use the orthogonal polynomials 1, u, u² - mean u² in u = t - (N - 1) / 2.
Reference: Eyben 2016, section 2.3.
"""

from __future__ import annotations

import numpy as np

from .frames import Doubles, Ints
from .statistics import Sums, soft_limit

MARGIN = 0.01


def regression(over: Sums, count: Ints, rate: Doubles) -> Doubles:
    """Sums over contours → (contours, 8); ``rate`` is frames per unit of time, (contours,)."""
    n = np.maximum(count, 1).astype(np.float64)
    total, first, second = over.value, over.first, over.second
    centre = (n - 1) / 2
    norm1, norm2 = n * (n**2 - 1) / 12, n * (n**2 - 1) * (n**2 - 4) / 180
    m = (first - centre * total) / np.where(norm1 > 0, norm1, 1)
    bend = second - 2 * centre * first + (centre**2 - norm1 / n) * total
    a = np.where(norm2 > 0, bend / np.where(norm2 > 0, norm2, 1), 0)
    mean = total / n
    residual = np.maximum(over.square - n * mean**2 - m**2 * norm1, 0)
    curved = np.maximum(residual - a**2 * norm2, 0)
    b = m - 2 * a * centre
    constant = mean - m * centre
    low, spread = over.low, over.high - over.low
    inverse = np.where(spread > 0, 1 / np.where(spread > 0, spread, 1), 0)
    spread = np.where(spread > 0, spread, 1)
    limit, root = spread / 10, np.sqrt(spread / 10)
    return np.stack(
        [
            soft_limit(m, limit, limit + MARGIN) * rate * inverse,
            (constant - low) * inverse,
            residual / n * inverse**2,
            soft_limit(a, root, root + MARGIN) * rate**2 * inverse,
            soft_limit(b, limit, limit + MARGIN) * rate * inverse,
            (constant + a * (centre**2 - norm1 / n) - low) * inverse,
            curved / n * inverse**2,
            over.first_magnitude / np.where(over.magnitude > 0, over.magnitude, 1) / n,
        ],
        1,
    )

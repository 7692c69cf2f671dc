"""Linear prediction of a contour over time: the gain and the five coefficients.

Autocorrelation method, r_k = Σ y_t y_{t-k}, Levinson–Durbin; the gain is the prediction error per frame,
and y_t ≈ -Σ a_k y_{t-k}. A zero contour gives zeros. Reference: Makhoul (Proc. IEEE 63, 1975).
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .frames import Doubles, Ints

ORDER = 5
EXHAUSTED = 1e-9


def linear_prediction(x: Floats, count: Ints) -> Doubles:
    """(contours, frames) → (contours, 6): gain, a_1 … a_5."""
    contours, frames = x.shape
    r = np.zeros((contours, ORDER + 1))
    for lag in range(min(ORDER + 1, frames)):
        r[:, lag] = np.einsum("ct,ct->c", x[:, lag:], x[:, : frames - lag])
    a = np.zeros((contours, ORDER))
    error = r[:, 0].copy()
    for m in range(ORDER):
        alive = error > EXHAUSTED * r[:, 0]
        numerator = r[:, m + 1] + np.einsum("cm,cm->c", a[:, :m], r[:, m:0:-1])
        k = np.where(alive, -numerator / np.where(alive, error, 1), 0)
        a[:, :m] += k[:, None] * a[:, :m][:, ::-1]
        a[:, m] = k
        error = error * (1 - k * k)
    return np.concatenate([error[:, None] / np.maximum(count, 1)[:, None], a], 1)

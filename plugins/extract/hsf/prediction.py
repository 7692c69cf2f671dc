"""Linear prediction of a contour over time: the gain and the five coefficients.

Autocorrelation method, r_k = Σ y_t y_{t-k}, Levinson–Durbin; the gain is the prediction error per frame,
and y_t ≈ -Σ a_k y_{t-k}. A zero contour gives zeros. Reference: Makhoul (Proc. IEEE 63, 1975).
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .compiled import compiled
from .frames import Doubles, Ints

ORDER = 5
EXHAUSTED = 1e-9


def linear_prediction(x: Floats, count: Ints) -> Doubles:
    """(contours, frames) → (contours, 6): gain, a_1 … a_5."""
    predicted = np.zeros((len(x), ORDER + 1))
    _predict(x, count, np.empty(ORDER + 1), predicted)
    return predicted


@compiled("float32[:,:] int64[:] float64[:] float64[:,:]", reorder=True)
def _predict(x: Floats, count: Ints, r: Doubles, predicted: Doubles) -> None:
    """Autocorrelation, then Levinson–Durbin; ``r`` is scratch."""
    for c in range(count.size):
        here, out = x[c], predicted[c]
        for lag in range(ORDER + 1):
            total = 0.0
            later = here[lag:]
            for t in range(count[c] - lag):
                total += float(here[t]) * later[t]
            r[lag] = total
        a = out[1:]
        error = r[0]
        for m in range(ORDER):
            k = 0.0
            if error > EXHAUSTED * r[0]:
                product = r[m + 1]
                for i in range(m):
                    product += a[i] * r[m - i]
                k = -product / error
            for i in range((m + 1) // 2):
                low, high = a[i], a[m - 1 - i]
                a[i] = low + k * high
                a[m - 1 - i] = high + k * low
            a[m] = k
            error *= 1 - k * k
        out[0] = error / (count[c] if count[c] > 0 else 1)

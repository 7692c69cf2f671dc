"""The frame grid: 60 ms frames for pitch, 20 ms frames for the spectrum, one row every 10 ms.

Both kinds of frame start at the row's first sample (``frameCenterSpecial = left`` in the published
configuration), so frame k of either kind covers ``[k * HOP, k * HOP + length)``. A stretch of n samples
has (n - 960) // 160 + 1 long frames and four more short ones; ComParE uses both counts, so every row
describes the short frame at its own start and the :data:`LOOKAHEAD` short frames after it, all
of them inside the row's 60 ms. Spectra of the two lengths are zero-padded to 1024 and 512 points.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft
from stimmung.engine.types import Floats

from .compiled import compiled

RATE = 16000
HOP = 160
LONG = 960
SHORT = 320
LOOKAHEAD = (LONG - SHORT) // HOP

FRAME_PERIOD_S = HOP / RATE

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def slide(samples: Floats, length: int) -> Floats:
    """Every whole frame of ``length`` samples, (frames, length), a view."""
    if samples.size < length:
        return np.empty((0, length), np.float32)
    return np.lib.stride_tricks.sliding_window_view(samples, length)[::HOP]


def magnitudes(frames: Floats, points: int) -> Floats:
    """|DFT| of frames zero-padded to ``points``: (frames, n) → (frames, points / 2 + 1)."""
    transformed = fft.rfft(frames, points).view(np.float32)
    magnitude = np.empty((len(frames), points // 2 + 1), np.float32)
    _moduli(transformed, magnitude)
    return magnitude


@compiled("float32[:,:] float32[:,:]")
def _moduli(pairs: Floats, moduli: Floats) -> None:
    for k in range(len(pairs)):
        here, out = pairs[k], moduli[k]
        for n in range(out.size):
            real, imaginary = float(here[2 * n]), float(here[2 * n + 1])
            out[n] = np.sqrt(np.float32(real * real + imaginary * imaginary))


def hamming(length: int) -> Floats:
    """0.54 - 0.46 cos(2πn / (N - 1)), (length,)."""
    return np.hamming(length).astype(np.float32)


def gauss(length: int, sigma: float) -> Floats:
    """exp(-½ ((n - (N-1)/2) / (σ (N-1)/2))²), (length,)."""
    distance = np.linspace(-1, 1, length) / sigma
    return np.exp(-0.5 * distance * distance).astype(np.float32)

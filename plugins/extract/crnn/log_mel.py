"""Log-mel spectra: 40 bands of 25 ms Hamming frames every 10 ms, 1024-point transform.

Joint Representation, section 4.2 (Luo et al. 2018), which leaves the scale open: mel = 2595 log10(1 + f /
700), triangles of height 1 from 0 Hz to half the sample rate over the power spectrum, natural logarithm. A
frame sees its own 400 samples and nothing else.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import fft
from stimmung.engine.types import Floats

from ..mel import triangles

RATE = 16000
HOP, LENGTH, POINTS, BANDS = 160, 400, 1024, 40
LEAST = 1e-8  # power of a band below which it counts as silent: the noise of 16-bit samples


def log_mel(samples: Floats) -> Floats:
    """(n,) at 16 kHz → ((n - 400) // 160 + 1, 40), no row when n < 400."""
    if len(samples) < LENGTH:
        return np.empty((0, BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, LENGTH)[::HOP]
    spectra = fft.rfft(frames * _window(), POINTS, axis=1)
    power = spectra.real**2 + spectra.imag**2
    bands: Floats = np.log(np.maximum(power @ _triangles(), np.float32(LEAST)))
    return bands


@cache
def _window() -> Floats:
    return np.hamming(LENGTH).astype(np.float32)


@cache
def _triangles() -> Floats:
    """(513, 40): the weight of every bin of the spectrum in every band."""
    corners_mel = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)
    corners_hz = 700 * (10 ** (corners_mel / 2595) - 1)
    return triangles(np.linspace(0, RATE / 2, POINTS // 2 + 1), corners_hz).astype(np.float32)

"""Whisper's log-mel spectrum of one block of samples (Radford et al. 2023, section 2.2).

Frames of 25 ms every 10 ms under a Hann window, centred on multiples of the hop, the block reflected at its
edges; Slaney's mel scale, triangles of equal area from 0 to 8 kHz; log10 of the power, everything more than
8 decades below the loudest value of the block raised to there; then shifted and scaled to about ±1.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import fft
from stimmung.engine.types import Floats

from ..mel import triangles

RATE = 16000
HOP, LENGTH = 160, 400
LEAST = np.float32(1e-10)  # power below which a band counts as silent
DECADES = np.float32(8)  # kept below the loudest value

Doubles = npt.NDArray[np.float64]


def log_mel(block: Floats, bands: int) -> Floats:
    """The spectrum of a block as the encoder takes it.

    Parameters
    ----------
    block : (n,)
        Samples at 16 kHz, more than 200.
    bands : int
        80 in all of Whisper's models but large-v3, which has 128.

    Returns
    -------
    (1, bands, n // 160)
    """
    padded = np.pad(block, LENGTH // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, LENGTH)[::HOP][: len(block) // HOP]
    spectra = fft.rfft(frames * _window(), axis=1)
    power = spectra.real**2 + spectra.imag**2
    levels = np.log10(np.maximum(power @ filters(bands), LEAST))
    scaled: Floats = (np.maximum(levels, levels.max() - DECADES) + np.float32(4)) / np.float32(4)
    return np.ascontiguousarray(scaled.T[np.newaxis])


@cache
def filters(bands: int) -> Floats:
    """(201, bands): the weight of every bin of the spectrum in every band."""
    corners_hz = _hz(np.linspace(0, _mel(RATE / 2), bands + 2))
    heights = 2 / (corners_hz[2:] - corners_hz[:-2])
    weights = triangles(np.linspace(0, RATE / 2, LENGTH // 2 + 1), corners_hz) * heights
    return weights.astype(np.float32)


@cache
def _window() -> Floats:
    """Periodic, as torch.hann_window."""
    return np.hanning(LENGTH + 1)[:-1].astype(np.float32)


# Slaney's Auditory Toolbox: linear to 1 kHz, which is 15 mel, then 27 steps to a factor of 6.4.
def _mel(frequency_hz: float) -> float:
    return float(15 + np.log(frequency_hz / 1000) / (np.log(6.4) / 27))


def _hz(mel: Doubles) -> Doubles:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

"""Auditory spectra: mel bands, equal loudness, RASTA, and the intensity-loudness power law.

A 26-band mel filter bank (triangles on mel(f) = 1127 ln(1 + f/700), 20 Hz to 8 kHz, over the power
spectrum) gives E_b. With L_b the equal-loudness weight at the band's centre,

* the auditory spectrum is (L_b E_b)^0.33, and its mean over bands is ``audspec_lengthL1norm``;
* the RASTA auditory spectrum filters ln E_b in time before the same weighting and power law.

References: Hermansky, *Perceptual linear predictive analysis of speech* (JASA 87, 1990), sections II.B
to II.D; Hermansky and Morgan, *RASTA processing of speech* (IEEE TSAP 2, 1994).
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from ..mel import triangles
from .compiled import compiled
from .frames import FRAME_PERIOD_S, Doubles
from .spectrum import BIN_HZ, BINS

BANDS = 26
LOW_HZ, HIGH_HZ = 20.0, 8000.0
COMPRESSION = 0.33
SAMPLE_SCALE = 32767.0
RASTA_LOW_HZ, RASTA_HIGH_HZ = 1.0, 29.0
WARM_UP = 5


def mel(frequency: Doubles) -> Doubles:
    """Hz to mel, 1127 ln(1 + f/700)."""
    return 1127 * np.log1p(frequency / 700)


def _edges() -> Doubles:
    low, high = mel(np.array([LOW_HZ, HIGH_HZ]))
    return np.linspace(low, high, BANDS + 2)


def filter_bank() -> Floats:
    """Triangles over the 257 bins, (257, 26); bins 0, 1 and 256 lie outside the band limits."""
    bank = triangles(mel(np.linspace(0, BINS * BIN_HZ, BINS + 1)), _edges())
    bank[[0, 1, BINS]] = 0.0
    return (bank * SAMPLE_SCALE**2).astype(np.float32)


def equal_loudness() -> Doubles:
    """ln of the equal-loudness weight at each band's centre, (26,).

    Hermansky's curve with the steeper fall above 5 kHz (ω⁷ in the last factor), scaled by 10³².
    """
    w2 = (2 * np.pi * 700 * np.expm1(_edges()[1:-1] / 1127)) ** 2
    fall = (w2 + 6.3e6) ** 2 * (w2 + 3.8e8) * (w2**3.5 + 1.7e31)
    return np.log(1e32 * (w2 + 56.8e6) * w2**2 / fall)


BANK = filter_bank()
FULL_SCALE = np.float32(2 * np.log(SAMPLE_SCALE))
FLOOR = np.float32(np.log(9.3e-10))
LOG_LOUDNESS = equal_loudness().astype(np.float32)


def log_bands(spectrum: Floats) -> Floats:
    """ln E_b for 16-bit samples, never below 0: (frames, 257) magnitudes → (frames, 26).

    In digital silence the bands are exactly zero, and with them the cepstrum.
    """
    return np.log(np.maximum((spectrum * spectrum) @ BANK, 1))


def relative(bands: Floats) -> Floats:
    """Log bands relative to full scale, with the published floor in digital silence."""
    return np.where(bands > 0, bands - FULL_SCALE, FLOOR)


def _rasta_taps() -> tuple[Floats, np.float32]:
    """Numerator and pole: a ramp band-limited at 29 Hz and a leak of 1 Hz, rounded as published."""
    pole = np.float32(1 - np.sin(2 * np.pi * RASTA_LOW_HZ * FRAME_PERIOD_S))
    c = float(np.float32(np.cos(2 * np.pi * RASTA_HIGH_HZ * FRAME_PERIOD_S)))
    norm = float(np.float32(np.sqrt(10 * (32 * c * c + 8))))
    first, second = np.float32(2 / norm), np.float32(-4 * c / norm)
    return np.array([first, second, 0, -second, -first], np.float32), pole


TAPS, POLE = _rasta_taps()


def rasta(bands: Floats) -> Floats:
    """Band-pass filtered log bands, relative to full scale, along time: (26, frames) → (26, frames).

    The first five frames are zero and the recursion starts from rest at the sixth, so the filter
    needs no past: a segment's own rows are all it ever sees. It runs in single precision on levels
    relative to full scale, as published, which decides where it comes to rest in digital silence.
    """
    out = np.zeros(bands.shape, np.float32)
    _filter(bands, TAPS, POLE, np.zeros(TAPS.size, np.float32), out)
    return out


@compiled("float32[:,:] float32[:] float32 float32[:] float32[:,:]")
def _filter(bands: Floats, taps: Floats, pole: np.float32, state: Floats, out: Floats) -> None:
    """Transposed direct form II, with feedback and output only after the warm-up; ``state`` is scratch."""
    for band in range(len(bands)):
        levels, filtered = bands[band], out[band]
        for i in range(taps.size):
            state[i] = 0
        for t in range(levels.size):
            level = levels[t]
            value = taps[0] * level + state[0]
            for i in range(4):
                state[i] = taps[i + 1] * level + state[i + 1]
            if t >= WARM_UP:
                state[0] += pole * value
                filtered[t] = value


def loudness(bands: Floats) -> Floats:
    """The power law on log bands relative to full scale: exp(0.33 (ln E + ln L)), (26, frames)."""
    weighted: Floats = np.float32(COMPRESSION) * (bands + LOG_LOUDNESS[:, None])
    return np.exp(weighted)

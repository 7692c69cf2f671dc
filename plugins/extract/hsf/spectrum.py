"""Spectral descriptors of a 20 ms frame, from its power spectrum between 31.25 Hz and 8 kHz.

With P_j the power and f_j the frequency in Hz of bin j = 1…256 (bin 0, the mean, takes no part):

==================  ==================================================  =========
band energies       mean of P over 250–650 Hz and 1–4 kHz               power
roll-off            least f_j with Σ_{i≤j} P_i ≥ 25, 50, 75, 90 % of ΣP   Hz
flux                √ mean (√P_j - √P_j of the frame before)²           amplitude
centroid            c = Σ f P / Σ P                                     Hz
entropy             -Σ p log₂ p, p = P / Σ P                            bit
variance            v = Σ (f - c)² P / Σ P                              Hz²
skewness, kurtosis  Σ (f - c)³ P / (v^1.5 Σ P), Σ (f - c)⁴ P / (v² Σ P)  1
slope               255 × the least-squares slope of P over f           power/Hz
sharpness           0.11 Σ z g(z) P / Σ P, z the frequency in Bark        acum
harmonicity         ½ Σ |difference of neighbouring local extrema| / 256  power
==================  ==================================================  =========

References: Eyben, *Real-time speech and music classification* (Springer 2016), section 2.2.3; sharpness
after Zwicker and Fastl, *Psychoacoustics*, section 9.1, on the Bark scale of Traunmüller (JASA 88, 1990).
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .frames import RATE, SHORT, Doubles, hamming

POINTS = 512
BINS = POINTS // 2
BIN_HZ = RATE / POINTS
ROLL_OFFS = (0.25, 0.50, 0.75, 0.90)
ENTROPY_FLOOR = np.float32(1e-7)
SILENT_ENTROPY = np.float32(4.3e-6)

FREQUENCY = np.arange(1, BINS + 1) * BIN_HZ
WINDOW = hamming(SHORT)


def magnitude(frames: Floats) -> Floats:
    """|DFT| of Hamming-windowed frames: (frames, 320) → (frames, 257)."""
    return np.abs(np.fft.rfft(frames * WINDOW, POINTS)).astype(np.float32, copy=False)


def bark(frequency: float) -> float:
    """Traunmüller's critical-band rate with his corrections at both ends, in Bark."""
    z = 26.81 / (1 + 1960 / frequency) - 0.53
    if z < 2:
        return 0.85 * z + 0.3
    return 1.22 * z - 0.22 * 20.1 if z > 20.1 else z


def _sharpness_weight(frequency: float) -> float:
    z = bark(frequency)
    return 0.11 * z * (1.0 if z <= 16 else 1 + ((z - 16) / 4) ** np.log2(3))


def _band(low_hz: float, high_hz: float) -> Floats:
    """Weights of the bins in a band; the last bin in proportion to how far the band reaches past it."""
    weight = ((low_hz <= FREQUENCY) & (high_hz >= FREQUENCY)).astype(np.float32)
    reach = high_hz / BIN_HZ
    if reach != int(reach):
        weight[int(reach) - 1] = reach - int(reach)
    return weight / np.float32(BINS)


def _projection() -> Floats:
    """Everything that is linear in P, as one matrix: ΣP, Σ f P, the bands, the sharpness; (5, 256).

    Applied row by row, not as a matrix product, whose rounding would depend on the number of frames.
    """
    columns = [
        np.ones(BINS),
        FREQUENCY,
        _band(250, 650),
        _band(1000, 4000),
        np.array([_sharpness_weight(f) for f in FREQUENCY]),
    ]
    return np.stack(columns).astype(np.float32)


PROJECTION = _projection()
_SUM_F, _SUM_F2 = FREQUENCY.sum(), (FREQUENCY**2).sum()
SLOPE_NORM = (BINS - 1) / (BINS * _SUM_F2 - _SUM_F**2)


def descriptors(spectrum: Floats) -> Floats:
    """(frames, 257) magnitudes → (frames, 15) in the published order.

    Flux compares a frame with the one *after* it here, and is zero for the last, because a row cannot see
    the frame before its own; the segment's contours have it back in its place.
    """
    amplitude = spectrum[:, 1:]
    power = amplitude * amplitude
    total, moment, low, high, sharp = np.einsum("tf,kf->kt", power, PROJECTION).astype(np.float64)
    safe = np.where(total > 0, total, 1.0)
    centroid = moment / safe
    offset = (FREQUENCY - centroid[:, None]).astype(np.float32)
    weighted = power * offset
    squares = weighted * offset
    variance = np.einsum("tf->t", squares, dtype=np.float64) / safe
    third = np.einsum("tf,tf->t", squares, offset).astype(np.float64) / safe
    fourth = np.einsum("tf,tf,tf->t", squares, offset, offset).astype(np.float64) / safe
    spread = np.where(variance > 0, variance, 1.0)
    out = np.empty((len(spectrum), 15), np.float32)
    out[:, 0] = low
    out[:, 1] = high
    out[:, 2:6] = roll_off(power)
    out[:, 6] = flux(amplitude)
    out[:, 7] = centroid
    out[:, 8] = entropy(power, total)
    out[:, 9] = variance
    out[:, 10] = np.where(variance > 0, third / spread**1.5, 0.0)
    out[:, 11] = np.where(variance > 0, fourth / spread**2, 0.0)
    out[:, 12] = SLOPE_NORM * (BINS * moment - _SUM_F * total)
    out[:, 13] = sharp / safe
    out[:, 14] = harmonicity(power)
    return out


def roll_off(power: Floats) -> Floats:
    """(frames, 256) → (frames, 4) Hz; 31.25 Hz in silence."""
    running = np.cumsum(power, axis=1, dtype=np.float64)
    levels = running[:, -1:] * np.array(ROLL_OFFS)
    first = np.stack([np.argmax(running >= levels[:, i : i + 1], axis=1) for i in range(4)], 1)
    frequency: Floats = FREQUENCY[first].astype(np.float32)
    return frequency


def flux(amplitude: Floats) -> Floats:
    """Root mean square change of amplitude to the next frame, (frames,); the last is zero."""
    change = np.zeros(len(amplitude), np.float32)
    if len(amplitude) > 1:
        step = np.diff(amplitude, axis=0)
        change[:-1] = np.sqrt(np.einsum("tf,tf->t", step, step) / BINS)
    return change


def entropy(power: Floats, total: Doubles) -> Floats:
    """Shannon entropy in bit of the spectrum seen as a distribution, (frames,).

    A floor under every bin makes quiet frames look peaky; silence keeps a trace above zero, as published.
    """
    share = np.maximum(power, ENTROPY_FLOOR) / np.maximum(total, ENTROPY_FLOOR).astype(np.float32)[:, None]
    bits: Floats = -np.einsum("tf,tf->t", share, np.log2(share))
    return np.maximum(bits, SILENT_ENTROPY)


def harmonicity(power: Floats) -> Floats:
    """Half the summed jumps between neighbouring extrema of the spectrum, per bin, (frames,).

    An extremum is strictly above, or strictly below, the two bins on either side.
    """
    middle = power[:, 2:-2]
    around = [power[:, i : i + middle.shape[1]] for i in (0, 1, 3, 4)]
    above = np.logical_and.reduce([middle > other for other in around])
    below = np.logical_and.reduce([middle < other for other in around])
    frame, bin_ = np.nonzero((above | below)[:, :-1])
    value = middle[frame, bin_]
    jump = np.abs(np.diff(value)) * (frame[1:] == frame[:-1])
    return (np.bincount(frame[1:], jump, len(power)) / (2 * BINS)).astype(np.float32)

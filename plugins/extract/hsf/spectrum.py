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
from stimmung.engine.types import Bools, Floats

from .compiled import compiled, compiled_part
from .frames import RATE, SHORT, hamming, magnitudes

POINTS = 512
BINS = POINTS // 2
BIN_HZ = RATE / POINTS
ENTROPY_FLOOR = np.float32(1e-7)
SILENT_ENTROPY = np.float32(4.3e-6)

FREQUENCY = np.arange(1, BINS + 1) * BIN_HZ
WINDOW = hamming(SHORT)


def magnitude(frames: Floats) -> Floats:
    """|DFT| of Hamming-windowed frames: (frames, 320) → (frames, 257)."""
    return magnitudes(frames * WINDOW, POINTS)


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


LOW_BAND, HIGH_BAND = _band(250, 650), _band(1000, 4000)
SHARPNESS = np.array([_sharpness_weight(f) for f in FREQUENCY], np.float32)
_SUM_F, _SUM_F2 = FREQUENCY.sum(), (FREQUENCY**2).sum()
SLOPE_NORM = (BINS - 1) / (BINS * _SUM_F2 - _SUM_F**2)


def descriptors(spectrum: Floats) -> Floats:
    """(frames, 257) magnitudes → (frames, 15) in the published order.

    Flux compares a frame with the one *after* it here, and is zero for the last, because a row cannot see
    the frame before its own; the segment's contours have it back in its place.
    """
    out = np.zeros((len(spectrum), 15), np.float32)
    power = spectrum[:, 1:] * spectrum[:, 1:]
    _describe(spectrum, power, LOW_BAND, HIGH_BAND, SHARPNESS, np.empty(BINS, np.bool_), out)
    out[:, 8] = entropy(power)
    return out


@compiled("float32[:,:] float32[:,:] float32[:] float32[:] float32[:] bool[:] float32[:,:]", reorder=True)
def _describe(
    spectrum: Floats,
    power: Floats,
    low_band: Floats,
    high_band: Floats,
    sharpness: Floats,
    extreme: Bools,
    out: Floats,
) -> None:
    """Everything but the entropy; ``extreme`` is scratch."""
    for k in range(len(power)):
        here, row = power[k], out[k]
        total = moment = low = high = sharp = 0.0
        for j in range(BINS):
            p = float(here[j])
            total += p
            moment += p * float(j + 1)
            low += p * low_band[j]
            high += p * high_band[j]
            sharp += p * sharpness[j]
        safe = total if total > 0 else 1.0
        centre = moment / safe
        second = third = fourth = 0.0
        for j in range(BINS):
            offset = float(j + 1) - centre
            weighted = here[j] * offset * offset
            second += weighted
            third += weighted * offset
            fourth += weighted * offset * offset
        variance = second / safe
        spread = variance if variance > 0 else 1.0
        row[0], row[1] = low, high
        _roll_off(here, total, row[2:6])
        if k + 1 < len(power):
            row[6] = _flux(spectrum[k], spectrum[k + 1])
        row[7], row[9] = centre * BIN_HZ, variance * (BIN_HZ * BIN_HZ)
        row[10] = third / safe / (spread * np.sqrt(spread))
        row[11] = fourth / safe / (spread * spread)
        row[12] = SLOPE_NORM * (BINS * BIN_HZ * moment - _SUM_F * total)
        row[13] = sharp / safe
        row[14] = _harmonicity(here, extreme) / (2 * BINS)


@compiled_part()
def _roll_off(power: Floats, total: float, out: Floats) -> None:
    """The least frequencies below which 25, 50, 75, 90 % of the power lie, in Hz; 31.25 Hz in silence."""
    running = 0.0
    j = 0
    for i in range(4):
        level = total * (0.9 if i == 3 else 0.25 * (i + 1))
        while j < BINS and running < level:
            running += power[j]
            j += 1
        out[i] = BIN_HZ * (j if j > 0 else 1)


@compiled_part(reorder=True)
def _flux(now: Floats, after: Floats) -> float:
    """Root mean square change of amplitude to the next frame; the mean takes no part."""
    here, next_ = now[1:], after[1:]
    total = np.float32(0)
    for j in range(BINS):
        step = next_[j] - here[j]
        total += step * step
    return float(np.sqrt(float(total) / BINS))


@compiled_part()
def _harmonicity(power: Floats, extreme: Bools) -> float:
    """The summed jumps between neighbouring extrema of the spectrum.

    An extremum is strictly above, or strictly below, the two bins on either side. ``extreme`` is scratch.
    """
    one, two, three, four = power[1:], power[2:], power[3:], power[4:]
    for j in range(BINS - 5):
        y = two[j]
        above = (y > power[j]) & (y > one[j]) & (y > three[j]) & (y > four[j])
        below = (y < power[j]) & (y < one[j]) & (y < three[j]) & (y < four[j])
        extreme[j] = above | below
    total = 0.0
    before = np.float32(-1)
    for j in range(BINS - 5):
        if extreme[j]:
            if before >= 0:
                total += abs(float(two[j]) - float(before))
            before = two[j]
    return total


def entropy(power: Floats) -> Floats:
    """Shannon entropy in bit of the spectrum seen as a distribution, (frames,).

    A floor under every bin makes quiet frames look peaky; silence keeps a trace above zero, as published.
    """
    total = power.sum(axis=1, keepdims=True)
    share = np.maximum(power, ENTROPY_FLOOR) / np.maximum(total, ENTROPY_FLOOR)
    bits: Floats = -np.einsum("tf,tf->t", share, np.log2(share))
    return np.maximum(bits, SILENT_ENTROPY)

"""Fundamental frequency by subharmonic summation: six candidates with voicing for each 60 ms frame.

1. Magnitude spectrum of the Gauss-windowed frame (σ = 0.4), 1024 points.
2. Enhancement: bins further than two from every spectral peak are zeroed; then smoothing by [¼ ½ ¼].
3. A natural cubic spline carries it to 513 points evenly spaced in log₂ f, 25 Hz to 8 kHz, weighted by
   the ear's low-frequency selectivity, ½ + arctan(3 (octaves above 65/50 × 25 Hz)) / π.
4. S(ν) = 1/15 Σ_{h=1…15} 0.85^(h-1) A(ν + log₂ h); its six highest peaks are the candidates,
   refined by a parabola through three points.
5. Voicing of a candidate: 1 - mean(S) / S(peak). Candidates outside 52–620 Hz are dropped.

Reference: Hermes, *Measurement of pitch by subharmonic summation* (JASA 83, 1988).
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Bools, Floats

from .frames import LONG, RATE, Doubles, gauss

POINTS = 1024
BINS = POINTS // 2 + 1
CANDIDATES = 6
HARMONICS = 15
COMPRESSION = 0.85
LOW_HZ, HIGH_HZ = 52.0, 620.0
SCALE_LOW, SCALE_HIGH = np.log2(25.0), np.log2(RATE / 2)
STEP = (SCALE_HIGH - SCALE_LOW) / (BINS - 1)
PER_OCTAVE = BINS / (SCALE_HIGH - SCALE_LOW)

WINDOW = gauss(LONG, 0.4)


def _spline(source: Doubles, target: Doubles) -> Doubles:
    """The natural cubic spline through values at ``source`` read at ``target``: values @ it.

    With h the spacing, Δ the slopes of the chords and M the second derivatives, zero at both ends,
    h_{i-1} M_{i-1} + 2 (h_{i-1} + h_i) M_i + h_i M_{i+1} = 6 (Δ_i - Δ_{i-1}).
    """
    h = np.diff(source)
    chords = np.diff(np.eye(source.size), axis=0) / h[:, None]
    bend = np.zeros((source.size, source.size))
    system = np.diag(2 * (h[:-1] + h[1:])) + np.diag(h[1:-1], 1) + np.diag(h[1:-1], -1)
    bend[1:-1] = np.linalg.solve(system, 6 * np.diff(chords, axis=0))
    left = np.clip(np.searchsorted(source, target, side="right") - 1, 0, source.size - 2)
    step = h[left]
    b = (target - source[left]) / step
    a = 1 - b
    curve = ((a**3 - a)[:, None] * bend[left] + (b**3 - b)[:, None] * bend[left + 1]) * (step**2 / 6)[:, None]
    curve[np.arange(target.size), left] += a
    curve[np.arange(target.size), left + 1] += b
    return curve.T


def _octave_scale() -> list[tuple[slice, Floats]]:
    """Smoothing and spline interpolation as matrices: for each octave of targets, the bins it needs.

    Bins further than :data:`REACH` from a target's own weigh less than 1e-8.
    """
    source = np.log2(np.arange(1, BINS) * RATE / POINTS)
    source = np.append(2 * source[0] - source[1], source)
    smooth = 0.5 * np.eye(BINS) + 0.25 * np.eye(BINS, k=1) + 0.25 * np.eye(BINS, k=-1)
    smooth[-1] = np.eye(BINS)[-1]
    target = SCALE_LOW + STEP * np.arange(BINS)
    selectivity = PER_OCTAVE * np.log2(65 / 50) - 1
    ear = 0.5 + np.arctan(3 * (np.arange(BINS) + 1 - selectivity) / PER_OCTAVE) / np.pi
    whole = (smooth.T @ _spline(source, target) * ear).astype(np.float32)
    blocks = []
    for first in range(0, BINS, BLOCK):
        part = slice(first, min(first + BLOCK, BINS))
        bins = np.searchsorted(source, target[[part.start, part.stop - 1]])
        needed = slice(max(int(bins[0]) - REACH, 0), min(int(bins[1]) + REACH, BINS))
        blocks.append((needed, np.ascontiguousarray(whole[needed, part])))
    return blocks


BLOCK, REACH = 64, 18
OCTAVE_SCALE = _octave_scale()
SHIFTS = [int(PER_OCTAVE * np.log2(h)) for h in range(1, HARMONICS + 1)]


def magnitude(windowed: Floats) -> Floats:
    """|DFT| of Gauss-windowed frames, (frames, 960) → (frames, 513)."""
    return np.abs(np.fft.rfft(windowed, POINTS)).astype(np.float32, copy=False)


def enhance(spectrum: Floats) -> Floats:
    """Zero every bin further than two from the nearest peak, between the first peak and the last."""
    peak = np.zeros(spectrum.shape, np.bool_)
    rise = np.diff(spectrum, axis=1)
    peak[:, 0] = rise[:, 0] < 0
    peak[:, 1:-1] = (rise[:, :-1] > 0) & (rise[:, 1:] <= 0)
    peak[:, -1] = rise[:, -1] > 0
    near = peak.copy()
    for reach in (1, 2):
        near[:, reach:] |= peak[:, :-reach]
        near[:, :-reach] |= peak[:, reach:]
    bins = np.arange(BINS)
    near |= bins <= np.argmax(peak, axis=1)[:, None]
    near |= bins >= BINS - 1 - np.argmax(peak[:, ::-1], axis=1)[:, None]
    return spectrum * near


def summation(spectrum: Floats) -> Floats:
    """The subharmonic sum spectrum, (frames, 513) magnitudes → (frames, 513)."""
    enhanced = enhance(spectrum)
    octaves = np.concatenate([enhanced[:, bins] @ weights for bins, weights in OCTAVE_SCALE], 1)
    np.maximum(octaves, 0, out=octaves)
    total: Floats = octaves.copy()
    for order, shift in enumerate(SHIFTS[1:], start=1):
        total[:, :-shift] += np.float32(COMPRESSION**order) * octaves[:, shift:]
    total /= np.float32(HARMONICS)
    return total


def candidates(spectrum: Floats) -> tuple[Floats, Floats]:
    """(frames, 513) magnitudes → frequency in Hz and voicing 0–1, each (frames, 6).

    The best candidate comes first; places without a candidate hold zeros.
    """
    score = summation(spectrum)
    middle = score[:, 1:-1]
    peak = (middle > score[:, :-2]) & (middle > score[:, 2:])
    ranked = np.where(peak, middle, 0)
    rows = np.arange(len(score))
    best = np.empty((len(score), CANDIDATES), np.int64)
    real = np.empty(best.shape, np.bool_)
    for place in range(CANDIDATES):
        best[:, place] = top = ranked.argmax(axis=1)
        real[:, place] = ranked[rows, top] > 0
        ranked[rows, top] = 0
    left, top, right = (np.take_along_axis(score, best + i, 1).astype(np.float64) for i in range(3))
    bend = left - 2 * top + right
    shift = np.where(real, 0.5 * (left - right) / np.where(real, bend, 1), 0)
    height = top - 0.25 * (left - right) * shift
    frequency = np.exp2(SCALE_LOW + STEP * (best + 1 + shift))
    mean = score.mean(axis=1, dtype=np.float64)[:, None]
    voicing = np.where(height > mean, 1 - mean / np.maximum(height, 1e-30), 0)
    valid = real & (frequency >= LOW_HZ) & (frequency <= HIGH_HZ)
    return _arrange(frequency, voicing, height, valid)


def _arrange(frequency: Doubles, voicing: Doubles, height: Doubles, valid: Bools) -> tuple[Floats, Floats]:
    """Valid candidates first, in rank order, the one with the highest refined peak swapped to the front."""
    order = np.argsort(~valid, axis=1, kind="stable")
    keep = np.take_along_axis(valid, order, 1)
    height = np.take_along_axis(height, order, 1) * keep
    rows, top = np.arange(len(order)), np.argmax(height, axis=1)
    order[rows, 0], order[rows, top] = order[rows, top], order[rows, 0].copy()
    keep = np.take_along_axis(valid, order, 1)
    picked = (np.take_along_axis(values, order, 1) * keep for values in (frequency, voicing))
    first, second = (values.astype(np.float32) for values in picked)
    return first, second

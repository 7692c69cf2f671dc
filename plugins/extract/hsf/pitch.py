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

import math

import numpy as np
from stimmung.engine.types import Bools, Floats

from .compiled import compiled, compiled_part
from .frames import LONG, RATE, Doubles, Ints, gauss, magnitudes

POINTS = 1024
BINS = POINTS // 2 + 1
CANDIDATES = 6
HARMONICS = 15
COMPRESSION = 0.85
LOW_HZ, HIGH_HZ = 52.0, 620.0
SCALE_LOW, SCALE_HIGH = math.log2(25), math.log2(RATE / 2)
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
    target = np.asarray(SCALE_LOW + STEP * np.arange(BINS), np.float64)
    selectivity = PER_OCTAVE * np.log2(65 / 50) - 1
    ear = 0.5 + np.arctan(3 * (np.arange(BINS) + 1 - selectivity) / PER_OCTAVE) / np.pi
    spline = _spline(np.asarray(source, np.float64), target)
    whole = (smooth.T @ spline * ear).astype(np.float32)
    blocks = []
    for first in range(0, BINS, BLOCK):
        part = slice(first, min(first + BLOCK, BINS))
        bins = np.searchsorted(source, target[[part.start, part.stop - 1]])
        needed = slice(max(int(bins[0]) - REACH, 0), min(int(bins[1]) + REACH, BINS))
        blocks.append((needed, np.ascontiguousarray(whole[needed, part])))
    return blocks


BLOCK, REACH = 64, 18
OCTAVE_SCALE = _octave_scale()
SHIFTS = np.array([int(PER_OCTAVE * np.log2(h)) for h in range(1, HARMONICS + 1)])
WEIGHTS = (COMPRESSION ** np.arange(HARMONICS)).astype(np.float32)
LOWEST, HIGHEST = ((math.log2(f) - SCALE_LOW) / STEP for f in (LOW_HZ, HIGH_HZ))


def magnitude(windowed: Floats) -> Floats:
    """|DFT| of Gauss-windowed frames, (frames, 960) → (frames, 513)."""
    return magnitudes(windowed, POINTS)


def enhance(spectrum: Floats) -> Floats:
    """Zero every bin further than two from the nearest peak, between the first peak and the last."""
    enhanced = np.empty_like(spectrum)
    _enhance(spectrum, np.zeros(BINS + 4, np.bool_), enhanced)
    return enhanced


@compiled("float32[:,:] bool[:] float32[:,:]")
def _enhance(spectrum: Floats, peak: Bools, enhanced: Floats) -> None:
    """``peak`` is scratch, false at both ends: bin j stands at j + 2."""
    last = BINS - 1
    one, two, three, four = peak[1:], peak[2:], peak[3:], peak[4:]
    for k in range(len(spectrum)):
        here, out = spectrum[k], enhanced[k]
        middle, after = here[1:], here[2:]
        two[0] = here[1] < here[0]
        two[last] = here[last] > here[last - 1]
        for j in range(last - 1):
            three[j] = (middle[j] > here[j]) & (after[j] <= middle[j])
        for j in range(BINS):
            near = peak[j] | one[j] | two[j] | three[j] | four[j]
            out[j] = here[j] if near else np.float32(0)
        j = 0
        while j < BINS and not two[j]:
            j += 1
        for i in range(j if j < BINS else 1):
            out[i] = here[i]
        j = last
        while j >= 0 and not two[j]:
            j -= 1
        for i in range(j if j >= 0 else last, BINS):
            out[i] = here[i]


def summation(spectrum: Floats) -> Floats:
    """The subharmonic sum spectrum, (frames, 513) magnitudes → (frames, 513)."""
    enhanced = enhance(spectrum)
    octaves = np.empty_like(spectrum)
    for first, (bins, weights) in zip(range(0, BINS, BLOCK), OCTAVE_SCALE, strict=True):
        octaves[:, first : first + BLOCK] = enhanced[:, bins] @ weights
    total = np.empty_like(octaves)
    _sum(octaves, SHIFTS, WEIGHTS, total)
    return total


@compiled("float32[:,:] int64[:] float32[:] float32[:,:]")
def _sum(octaves: Floats, shifts: Ints, weights: Floats, total: Floats) -> None:
    for k in range(len(octaves)):
        here, out = octaves[k], total[k]
        for j in range(BINS):
            here[j] = here[j] if here[j] > 0 else np.float32(0)
            out[j] = here[j]
        for h in range(1, HARMONICS):
            shifted, weight = here[shifts[h] :], weights[h]
            for j in range(BINS - shifts[h]):
                out[j] += weight * shifted[j]
        for j in range(BINS):
            out[j] /= np.float32(HARMONICS)


def candidates(spectrum: Floats) -> tuple[Floats, Floats]:
    """(frames, 513) magnitudes → frequency in Hz and voicing 0–1, each (frames, 6).

    The best candidate comes first; places without a candidate hold zeros.
    """
    score = summation(spectrum)
    place = np.zeros((len(score), CANDIDATES))
    voicing = np.zeros((len(score), CANDIDATES), np.float32)
    _pick(score, np.empty(CANDIDATES, np.int64), place, voicing)
    frequency = np.where(place > 0, np.exp2(SCALE_LOW + STEP * place), 0).astype(np.float32)
    return frequency, voicing


@compiled("float32[:,:] int64[:] float64[:,:] float32[:,:]")
def _pick(score: Floats, best: Ints, place: Doubles, voicing: Floats) -> None:
    """The valid ones of each frame's highest peaks, the highest refined one first; ``best`` is scratch."""
    for k in range(len(score)):
        here, places, voicings = score[k], place[k], voicing[k]
        mean = _mean(here)
        number = first = 0
        highest = 0.0
        for i in range(_highest(here, best)):
            j = best[i]
            left, top, right = float(here[j - 1]), float(here[j]), float(here[j + 1])
            shift = 0.5 * (left - right) / (left - 2 * top + right)
            height = top - 0.25 * (left - right) * shift
            if j + shift >= LOWEST and j + shift <= HIGHEST:
                places[number] = j + shift
                voicings[number] = 1 - mean / height if height > mean else 0.0
                if height > highest:
                    highest = height
                    first = number
                number += 1
        places[0], places[first] = places[first], places[0]
        voicings[0], voicings[first] = voicings[first], voicings[0]


@compiled_part()
def _highest(here: Floats, best: Ints) -> int:
    """List the bins of the highest peaks, highest first; how many there are.

    Rounding may make the two highest bins of a peak equal: the first one stands for it.
    """
    found = 0
    least = np.float32(0)
    for j in range(1, BINS - 1):
        y = here[j]
        if y > least and y > here[j - 1] and y >= here[j + 1]:
            i = found if found < CANDIDATES else CANDIDATES - 1
            while i > 0 and y > here[best[i - 1]]:
                best[i] = best[i - 1]
                i -= 1
            best[i] = j
            if found < CANDIDATES:
                found += 1
            if found == CANDIDATES:
                least = here[best[CANDIDATES - 1]]
    return found


@compiled_part(reorder=True)
def _mean(here: Floats) -> float:
    total = 0.0
    for j in range(BINS):
        total += here[j]
    return total / BINS

"""Jitter, shimmer and harmonics-to-noise ratio of the pitch periods a frame looks at.

With T_i the usable periods' lengths and A_i their peak-to-peak amplitudes:

* jitter (local) = mean |T_i - T_{i-1}| / mean T;
* jitter (DDP) = mean | |T_i - T_{i-1}| - |T_{i-1} - T_{i-2}| | / mean T;
* shimmer (local) = mean |A_i - A_{i+1}| / mean A;
* log HNR = 20 log₁₀ (RMS of the mean period waveform / RMS of the periods' departures from it) dB,
  -100 dB where unvoiced and 0 dB where periods do not differ at all.

Jitter and shimmer are at most 1; a voiced frame without a usable period repeats the last one. Differs
from the published implementation at a segment's end only: the last row contributes its first
10 ms, so periods that reach further are not matched, and HNR repeats the last value there.
Reference: Eyben 2016, sections 2.2.13.1–2.2.13.3.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .compiled import compiled, compiled_part
from .frames import HOP, LONG, Doubles, Ints
from .periods import MIN_CORRELATION, Periods, lay, nominal

HNR_FLOOR_DB = -100.0


def contours(f0: Floats, wave: Floats) -> Floats:
    """Pitch in Hz, (frames,), and samples → jitter local, jitter DDP, shimmer, log HNR: (4, frames)."""
    period = nominal(f0)
    periods = lay(wave, f0, period)
    out = np.zeros((4, len(f0)), np.float32)
    _change(wave, period, periods.place, periods.fit, out)
    out[3] = log_hnr(periods, wave, period)
    return out


@compiled("float32[:] int64[:] int64[:,:] float64[:,:] float32[:,:]", reorder=True)
def _change(wave: Floats, period: Ints, place: Ints, fit: Doubles, out: Floats) -> None:
    """Local jitter, DDP jitter and shimmer of every frame, from the usable periods in order.

    A period that two frames look at has not changed, whatever rounding says.
    """
    i = 0
    start = lag = -1
    length = change = jitter = ddp = shimmer = 0.0
    for k in range(period.size):
        if period[k] == 0:
            start = -1
            change = jitter = ddp = shimmer = 0.0
            continue
        usable = pairs = triples = 0
        lengths = first_sum = second_sum = swings = swing_change = 0.0
        while i < len(place) and place[i, 0] == k:
            if fit[i, 1] > MIN_CORRELATION:
                if start >= 0:
                    same = start == place[i, 1] and lag == place[i, 2]
                    now = 0.0 if same else abs(fit[i, 0] - length)
                    pairs += 1
                    first_sum += now
                    if change > 0:
                        triples += 1
                        second_sum += abs(now - change)
                    change = now
                start, lag, length = place[i, 1], place[i, 2], fit[i, 0]
                usable += 1
                lengths += length
                one = _swing(wave, start + 1, lag - 2)
                two = _swing(wave, start + lag + 1, lag - 2)
                swing_change += abs(one - two)
                swings += (one + two) / 2
            i += 1
        if usable > 0:
            shimmer = swing_change / swings if swings > 0 else swing_change
            if shimmer > 1:
                shimmer = 1.0
        if pairs > 0:
            jitter = first_sum / pairs / (lengths / usable)
            if jitter > 1:
                jitter = 1.0
        if triples > 0:
            ddp = second_sum / triples / (lengths / usable)
            if ddp > 1:
                ddp = 1.0
        out[0, k] = jitter if pairs > 0 or usable == 0 else 0.0
        out[1, k] = ddp if triples > 0 or usable == 0 else 0.0
        out[2, k] = shimmer


@compiled_part(reorder=True)
def _swing(wave: Floats, start: int, size: int) -> float:
    """Greatest less least of ``size`` samples."""
    piece = wave[start : start + size]
    least = greatest = piece[0]
    for n in range(size):
        y = piece[n]
        least = y if y < least else least
        greatest = y if y > greatest else greatest
    return float(greatest) - float(least)


def log_hnr(periods: Periods, wave: Floats, period: Ints) -> Doubles:
    """Harmonics-to-noise ratio of every frame in dB, (frames,).

    The period after the last one that a frame looks at is a member too.
    """
    power = np.ones((len(period), 2))
    scratch = np.empty((LONG, 2), np.int64), np.empty(LONG)
    _separate(wave, period, periods.place, periods.end, *scratch, power)
    hnr = np.where(
        period > 0, np.maximum(10 * np.log10(power[:, 0] / power[:, 1]), HNR_FLOOR_DB), HNR_FLOOR_DB
    )
    for k in range(max(len(hnr) - LONG // HOP, 1), len(hnr)):
        if period[k] > 0 and power[k, 0] == power[k, 1] and k * HOP + LONG > wave.size:
            hnr[k] = hnr[k - 1]
    return hnr


@compiled(
    "float32[:] int64[:] int64[:,:] int64[:,:] int64[:,:] float64[:] float64[:,:]",
    reorder=True,
)
def _separate(
    wave: Floats, period: Ints, place: Ints, end: Ints, member: Ints, mean: Doubles, power: Doubles
) -> None:
    """Mean power of each frame's mean period waveform, and of its periods' departures from that.

    ``power`` keeps its ones where they cannot be told apart. ``member`` and ``mean`` are scratch: start and
    length of a frame's periods, and their mean waveform.
    """
    i = 0
    for k in range(period.size):
        size = period[k]
        number = 0
        while i < len(place) and place[i, 0] == k:
            member[number, 0] = place[i, 1]
            number += 1
            i += 1
        if end[k, 1] == 0:
            continue
        member[number, 0] = end[k, 0]
        for p in range(number):
            member[p, 1] = member[p + 1, 0] - member[p, 0]
        member[number, 1] = end[k, 1]
        number += 1
        while number > 0 and member[number - 1, 0] + size > wave.size:
            number -= 1
        for n in range(size):
            mean[n] = 0.0
        for p in range(number):
            piece = wave[member[p, 0] :]
            for n in range(size):
                mean[n] += piece[n]
        harmonics = noise = 0.0
        points = 0
        for n in range(size):
            mean[n] /= number
        inner = mean[3:]
        for n in range(size - 5):
            harmonics += inner[n] * inner[n]
        inner = mean[2:]
        for p in range(number):
            piece = wave[member[p, 0] + 2 :]
            inside = (size if size < member[p, 1] else member[p, 1]) - 4
            for n in range(inside):
                departure = piece[n] - inner[n]
                noise += departure * departure
            if inside > 0:
                points += inside
        if harmonics > 0 and noise > 0:
            power[k, 0], power[k, 1] = harmonics / (size - 4), noise / points

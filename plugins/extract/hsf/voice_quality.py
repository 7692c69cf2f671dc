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
from stimmung.engine.types import Bools, Floats

from .compiled import compiled
from .frames import HOP, LONG, Doubles, Ints
from .periods import Periods, lay, nominal

HNR_FLOOR_DB = -100.0


def contours(f0: Floats, wave: Floats) -> Floats:
    """Pitch in Hz, (frames,), and samples → jitter local, jitter DDP, shimmer, log HNR: (4, frames)."""
    periods = lay(wave, f0)
    local, ddp = jitter(periods, f0)
    return np.stack([local, ddp, shimmer(periods, wave, f0), log_hnr(periods, wave, f0)]).astype(np.float32)


def _hold(values: Doubles, known: Bools, voiced: Bools) -> Doubles:
    """Repeat the last known value through a voiced stretch; zero before the first and where unvoiced."""
    frames = np.arange(len(values))
    last_known = np.maximum.accumulate(np.where(known, frames, -1))
    last_unvoiced = np.maximum.accumulate(np.where(voiced, -1, frames))
    usable = voiced & (last_known > last_unvoiced)
    return np.where(usable, np.minimum(values[np.maximum(last_known, 0)], 1), 0)


def _repeat_last(values: Doubles, unknown: Bools) -> Doubles:
    """Replace unknown values by the last known one."""
    return values[np.maximum.accumulate(np.where(unknown, 0, np.arange(len(values))))]


def jitter(periods: Periods, f0: Floats) -> tuple[Doubles, Doubles]:
    """Local and DDP jitter of every frame, (frames,) each, from the usable periods in order.

    A period that two frames look at has not changed, whatever rounding says.
    """
    frames, voiced = len(f0), f0 > 0
    frame, start, lag, length = (field[periods.usable] for field in periods[:4])
    if not frame.size:
        return np.zeros(frames), np.zeros(frames)
    stretch = np.cumsum(~voiced)[frame]
    same = np.append(False, stretch[1:] == stretch[:-1])
    change = np.abs(np.diff(length, prepend=0)) * same
    change[1:][(start[1:] == start[:-1]) & (lag[1:] == lag[:-1])] = 0
    again = same & np.append(False, change[:-1] > 0)
    second = np.abs(np.diff(change, prepend=0)) * again
    count = np.bincount(frame, minlength=frames)
    mean = np.bincount(frame, length, frames) / np.maximum(count, 1)
    results = []
    for value, pair in ((change, same), (second, again)):
        pairs = np.bincount(frame, pair, frames)
        ratio = np.bincount(frame, value, frames) / np.maximum(pairs, 1) / np.where(count > 0, mean, 1)
        results.append(np.where((count > 0) & (pairs == 0), 0, _hold(ratio, pairs > 0, voiced)))
    return results[0], results[1]


def shimmer(periods: Periods, wave: Floats, f0: Floats) -> Doubles:
    """Local shimmer of every frame, (frames,), from the usable periods."""
    frame, start, lag = (field[periods.usable] for field in periods[:3])
    if not frame.size:
        return np.zeros(len(f0))
    edges = np.stack([start + 1, start + lag - 1, start + lag + 1, start + 2 * lag - 1], 1).reshape(-1)
    swing = np.maximum.reduceat(wave, edges)[::2] - np.minimum.reduceat(wave, edges)[::2]
    first, second = swing[::2].astype(np.float64), swing[1::2].astype(np.float64)
    change = np.bincount(frame, np.abs(first - second), len(f0))
    size = np.bincount(frame, (first + second) / 2, len(f0))
    return _hold(change / np.where(size > 0, size, 1), np.bincount(frame, minlength=len(f0)) > 0, f0 > 0)


def log_hnr(periods: Periods, wave: Floats, f0: Floats) -> Doubles:
    """Harmonics-to-noise ratio of every frame in dB, (frames,).

    The period after the last one that a frame looks at is a member too.
    """
    known = np.flatnonzero(periods.last)
    frame = np.append(periods.frame, known)
    order = np.argsort(frame, kind="stable")
    frame = frame[order]
    start = np.append(periods.start, periods.end[known])[order]
    length = np.append(periods.start, periods.end[known] + periods.last[known])[order]
    length[:-1] = np.where(frame[1:] == frame[:-1], start[1:], length[:-1])
    length -= start
    period = nominal(f0)
    inside = start + period[frame] <= wave.size
    frame, start, length = frame[inside], start[inside], length[inside]
    first = np.append(np.searchsorted(frame, np.arange(len(f0))), frame.size)
    power = np.zeros((2, len(f0)))
    _separate(wave, first, start, length, period, np.zeros(LONG), power)
    usable = (power > 0).all(axis=0)
    ratio = 10 * np.log10(np.where(usable, power[0], 1) / np.where(usable, power[1], 1))
    hnr = np.where(f0 > 0, np.maximum(ratio, HNR_FLOOR_DB), HNR_FLOOR_DB)
    return _repeat_last(hnr, (f0 > 0) & (np.arange(len(f0)) * HOP + LONG > wave.size) & ~usable)


@compiled
def _separate(
    wave: Floats, first: Ints, start: Ints, length: Ints, period: Ints, mean: Doubles, power: Doubles
) -> None:
    """Mean power of each frame's mean period waveform, and of its periods' departures from that.

    Frame k has the periods first[k] to first[k + 1]; ``mean`` is scratch.
    """
    for k in range(period.size):
        size = period[k]
        number = first[k + 1] - first[k]
        points = 0
        for n in range(size):
            mean[n] = 0.0
            for p in range(first[k], first[k + 1]):
                mean[n] += wave[start[p] + n] / number
        for n in range(3, size - 2):
            power[0, k] += mean[n] * mean[n] / (size - 4)
        for p in range(first[k], first[k + 1]):
            for n in range(2, size - 2):
                if n < length[p] - 2:
                    departure = wave[start[p] + n] - mean[n]
                    power[1, k] += departure * departure
                    points += 1
        if points > 0:
            power[1, k] /= points

"""Jitter, shimmer and harmonics-to-noise ratio of the pitch periods met along a segment.

Periods are laid end to end from the first voiced frame of a voiced stretch, each with the length that
:mod:`.periods` gives for its first sample. Each frame looks at the periods that begin in its hop
and whatever was left over before it. With T_i their lengths and A_i their peak-to-peak amplitudes:

* jitter (local) = mean |T_i - T_{i-1}| / mean T, and jitter (DDP) = mean | |T_i - T_{i-1}| - |T_{i-1} - T_{i-2}| | / mean T;
* shimmer (local) = mean |A_i - A_{i+1}| / mean A;
* log HNR = 20 log₁₀ (RMS of the mean period waveform / RMS of the periods' departures from it) dB,
  -100 dB where unvoiced.

Jitter and shimmer are at most 1; a voiced frame without a usable period repeats the last one.
Differs from the published implementation in this: a period is matched within ±25 % of the best pitch
candidate of the frame it begins in, not of the pitch chosen for the frame that looks at it, and
periods that reach past the first 10 ms of the segment's last row are left out.
Reference: Eyben 2016, sections 2.2.13.1–2.2.13.3.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Bools, Floats

from .frames import HOP, LONG, RATE, Doubles, Ints
from .periods import lag_range

HNR_FLOOR_DB = -100.0


def follow(f0: Floats, lengths: Floats) -> tuple[Ints, Ints, Floats, Ints, Ints]:
    """Lay the periods end to end.

    (frames,) pitch and (frames * 160,) signed period lengths → for every matched period its frame,
    first sample and signed length; then for every frame where its last period began and that period's nominal length.
    """
    low, high = lag_range(f0)
    nominal = np.rint(RATE / np.maximum(f0, 1)).astype(np.int64)
    frame_of: list[int] = []
    start_of: list[int] = []
    length_of: list[float] = []
    last_start = np.zeros(len(f0), np.int64)
    last_length = np.zeros(len(f0), np.int64)
    position = 0
    at = lengths.tolist()
    for k, (lo, hi, period) in enumerate(zip(low.tolist(), high.tolist(), nominal.tolist(), strict=True)):
        begin = k * HOP
        if f0[k] <= 0:
            position = begin + HOP
            continue
        leftover = begin - position
        read = min(max(HOP + leftover, 2 * hi + 2), LONG + leftover)
        start, kept, step = position, position, 0
        while start - position < read - 2 * hi - 1:
            length = at[start]
            if lo < abs(length) < hi - 1:
                frame_of.append(k)
                start_of.append(start)
                length_of.append(length)
                step = round(abs(length))
            else:
                step = period
            start += step
            if start < begin + HOP - 1:
                kept = start
        last_start[k], last_length[k] = start, step
        position = kept
    arrays = np.array(frame_of, np.int64), np.array(start_of, np.int64), np.array(length_of, np.float32)
    return (*arrays, last_start, last_length)


def _per_frame(values: Floats, frame: Ints, frames: int) -> Doubles:
    return np.bincount(frame, values, frames)


def _hold(values: Doubles, known: Bools, voiced: Bools) -> Doubles:
    """Repeat the last known value through a voiced stretch; zero before the first and where unvoiced."""
    frames = np.arange(len(values))
    last_known = np.maximum.accumulate(np.where(known, frames, -1))
    last_unvoiced = np.maximum.accumulate(np.where(voiced, -1, frames))
    usable = voiced & (last_known > last_unvoiced)
    return np.where(usable, np.minimum(values[np.maximum(last_known, 0)], 1), 0)


def jitter(frame: Ints, length: Floats, f0: Floats) -> tuple[Doubles, Doubles]:
    """Local and DDP jitter of every frame, (frames,) each, from the usable periods in order."""
    frames, voiced = len(f0), f0 > 0
    if not frame.size:
        return np.zeros(frames), np.zeros(frames)
    stretch = np.cumsum(~voiced)[frame]
    same = np.concatenate([[False], stretch[1:] == stretch[:-1]])
    diff = np.abs(np.diff(length, prepend=0)) * same
    again = np.concatenate([[False], same[1:] & (diff[:-1] > 0)])
    ddp = np.abs(np.diff(diff, prepend=0)) * again
    count = _per_frame(np.ones(len(frame)), frame, frames)
    mean = _per_frame(length, frame, frames) / np.maximum(count, 1)
    results = []
    for change, valid in ((diff, same), (ddp, again)):
        pairs = _per_frame(valid, frame, frames)
        value = _per_frame(change, frame, frames) / np.maximum(pairs, 1) / np.where(count > 0, mean, 1)
        value = _hold(value, pairs > 0, voiced)
        results.append(np.where((count > 0) & (pairs == 0), 0, value))
    return results[0], results[1]


def shimmer(frame: Ints, start: Ints, length: Floats, wave: Floats, f0: Floats) -> Doubles:
    """Local shimmer of every frame, (frames,), from the usable periods."""
    frames = len(f0)
    period = np.rint(length).astype(np.int64)
    fits = start + 2 * period <= wave.size
    frame, start, period = frame[fits], start[fits], period[fits]
    if not frame.size:
        return np.zeros(frames)
    edges = np.stack([start + 1, start + period - 1, start + period + 1, start + 2 * period - 1], 1).reshape(
        -1
    )
    wave = np.append(wave, np.float32(0))
    swing = np.maximum.reduceat(wave, edges)[::2] - np.minimum.reduceat(wave, edges)[::2]
    first, second = swing[::2], swing[1::2]
    change = _per_frame(np.abs(first - second), frame, frames)
    size = _per_frame((first + second) / 2, frame, frames)
    return _hold(change / np.where(size > 0, size, 1), size > 0, f0 > 0)


def log_hnr(
    frame: Ints, start: Ints, length: Floats, last_start: Ints, last_length: Ints, wave: Floats, f0: Floats
) -> Doubles:
    """Harmonics-to-noise ratio of every frame in dB, (frames,)."""
    frames = len(f0)
    result = np.where(f0 > 0, 0.0, HNR_FLOOR_DB)
    nominal = np.rint(RATE / np.maximum(f0, 1)).astype(np.int64)
    last = np.flatnonzero((f0 > 0) & (last_length > 0))
    frame = np.concatenate([frame, last])
    start = np.concatenate([start, last_start[last]])
    length = np.concatenate([np.rint(np.abs(length)).astype(np.int64), last_length[last]])
    order = np.argsort(frame, kind="stable")
    frame, start, length = frame[order], start[order], length[order]
    whole = start + nominal[frame] <= wave.size
    frame, start, length = frame[whole], start[whole], length[whole]
    if not frame.size:
        return result
    size = nominal[frame]
    n = np.arange(size.max())
    waves = wave[np.minimum(start[:, None] + n, wave.size - 1)]
    owner, first, count = np.unique(frame, return_index=True, return_counts=True)
    mean = np.add.reduceat(waves, first, axis=0) / count[:, None].astype(np.float32)
    inner = (n > 2) & (n < nominal[owner, None] - 2)
    harmonic = np.sqrt((mean * mean * inner).sum(axis=1) / np.maximum(nominal[owner] - 4, 1))
    reach = np.minimum(size, length)[:, None] - 2
    rest = (waves - np.repeat(mean, count, axis=0)) * ((n >= 2) & (n < reach))
    noise = np.add.reduceat((rest * rest).sum(axis=1), first)
    points = np.add.reduceat(np.maximum(reach[:, 0] - 2, 0), first)
    noise = np.sqrt(noise / np.maximum(points, 1))
    usable = (noise > 0) & (harmonic > 0)
    ratio = 20 * np.log10(np.where(usable, harmonic, 1) / np.where(usable, noise, 1))
    result[owner] = np.where(usable, np.maximum(ratio, HNR_FLOOR_DB), 0)
    return result


def contours(f0: Floats, lengths: Floats, wave: Floats) -> Floats:
    """jitter local, jitter DDP, shimmer, log HNR: (frames, 4).

    ``lengths`` are the rows of :func:`.periods.table` end to end, ``wave`` the first hop of each row
    end to end, both (frames * 160,).
    """
    frame, start, length, last_start, last_length = follow(f0, lengths)
    usable = length > 0
    local, ddp = jitter(frame[usable], length[usable], f0)
    sway = shimmer(frame[usable], start[usable], length[usable], wave, f0)
    hnr = log_hnr(frame, start, length, last_start, last_length, wave, f0)
    return np.stack([local, ddp, sway, hnr], 1).astype(np.float32)

"""Pitch periods laid end to end along the voiced stretches of a segment.

Two neighbouring stretches of length L starting at s are compared by normalised cross-correlation,

    c(s, L) = cov(x[s : s+L], x[s+L : s+2L]) / (σ σ),

and the period beginning at s is the L of the highest local maximum within ±25 % of the frame's pitch
period, refined by a parabola through its neighbours. A period counts as *usable* where c > ½. Each frame
looks at the periods that begin in its hop and at whatever the frame before left over; where nothing
matches, the nominal period is stepped over. After an unvoiced frame the next period begins with the frame.

Reference: Eyben 2016, section 2.2.13 (waveform matching).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from stimmung.engine.types import Bools, Floats

from .compiled import compiled, compiled_part
from .frames import HOP, LONG, RATE, Doubles, Ints

SEARCH = 0.25
MIN_CORRELATION = 0.5
MOST_PER_FRAME = 12
QUIET = 1e-20


class Periods(NamedTuple):
    """Matched periods in order, each with the frame that looked at it, then two facts about every frame.

    ``start`` is the first sample, ``lag`` the whole and ``length`` the refined length in samples;
    ``end`` is where a frame's last period ended and ``last`` how long that was, 0 where there was none.
    """

    frame: Ints
    start: Ints
    lag: Ints
    length: Doubles
    usable: Bools
    end: Ints
    last: Ints


def nominal(f0: Floats) -> Ints:
    """The pitch period in whole samples, (frames,), 0 where unvoiced."""
    return np.where(f0 > 0, np.rint(RATE / np.maximum(f0, 1).astype(np.float64)), 0).astype(np.int64)


def lay(wave: Floats, f0: Floats) -> Periods:
    """(samples,) and pitch in Hz, (frames,) → the periods whose match lies inside the samples."""
    period = RATE / np.maximum(f0, 1).astype(np.float64)
    low = np.where(f0 > 0, np.floor((1 - SEARCH) * period), 0).astype(np.int64)
    high = np.ceil((1 + SEARCH) * period).astype(np.int64)
    limit = np.minimum(np.arange(len(f0)) * HOP + LONG, wave.size + 1)
    size = len(f0) * MOST_PER_FRAME
    frame, start, lag = np.empty((3, size), np.int64)
    length, height = np.empty((2, size))
    end, last = np.zeros((2, len(f0)), np.int64)
    product, match = np.empty(LONG, np.float32), np.empty(LONG)
    count = _walk(
        wave, low, high, limit, nominal(f0), product, match, frame, start, lag, length, height, end, last
    )
    usable = height[:count] > MIN_CORRELATION
    return Periods(frame[:count], start[:count], lag[:count], length[:count], usable, end, last)


@compiled_part
def _correlate(wave: Floats, start: int, low: int, high: int, product: Floats, match: Doubles) -> None:
    """match[i] = c(start, low + i) for all lags up to ``high``; ``product`` is scratch.

    Each sample meets the samples one lag later for all lags at once; the other sums grow with the lag.
    """
    lags = high - low + 1
    here, later = wave[start : start + high], wave[start + low : start + 2 * high]
    product[:lags] = 0
    for i in range(0, low - 3, 4):
        one, two, three, four = here[i], here[i + 1], here[i + 2], here[i + 3]
        ahead = later[i:]
        for j in range(lags):
            product[j] += one * ahead[j] + two * ahead[j + 1] + three * ahead[j + 2] + four * ahead[j + 3]
    for i in range(low // 4 * 4, high):
        one = here[i]
        ahead = later[i:]
        for j in range(max(i - low + 1, 0), lags):
            product[j] += one * ahead[j]
    first = second = power = other = 0.0
    for i in range(low):
        first += here[i]
        power += here[i] * here[i]
        second += later[i]
        other += later[i] * later[i]
    for j in range(lags):
        n = low + j
        product[j] = n * product[j] - first * second
        match[j] = (n * power - first * first) * (n * other - second * second)
        if n < high:
            moved, near, far = later[j], later[n + j], later[n + j + 1]
            first += moved
            power += moved * moved
            second += near + far - moved
            other += near * near + far * far - moved * moved
    for j in range(lags):
        match[j] = product[j] / (match[j] + QUIET) ** 0.5


@compiled
def _walk(
    wave: Floats,
    low: Ints,
    high: Ints,
    limit: Ints,
    period: Ints,
    product: Floats,
    match: Doubles,
    frame: Ints,
    first: Ints,
    lag: Ints,
    length: Doubles,
    height: Doubles,
    end: Ints,
    last: Ints,
) -> int:
    """Fill the arrays after the scratch ones; the number of periods. A ``low`` of 0 means unvoiced."""
    count = 0
    position = 0
    for k in range(low.size):
        begin = k * HOP
        if low[k] == 0:
            position = begin + HOP
            continue
        until = min(max(begin + HOP, position + 2 * high[k] + 2), limit[k])
        start = position
        kept = position
        while start < until - 2 * high[k] - 1 and count < first.size:
            _correlate(wave, start, low[k], high[k], product, match)
            best = 0
            for i in range(1, high[k] - low[k] - 1):
                if (
                    match[i] > match[i - 1]
                    and match[i] > match[i + 1]
                    and (best == 0 or match[i] > match[best])
                ):
                    best = i
            step = period[k]
            if best > 0:
                rise = match[best] - match[best - 1]
                fall = match[best] - match[best + 1]
                shift = 0.5 * (rise - fall) / (rise + fall)
                step = low[k] + best
                frame[count] = k
                first[count] = start
                lag[count] = step
                length[count] = step + shift
                height[count] = match[best] + 0.25 * (rise - fall) * shift
                count += 1
            start += step
            end[k] = start
            last[k] = step
            if start < begin + HOP - 1:
                kept = start
        position = kept
    return count

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
from stimmung.engine.types import Floats

from .compiled import compiled, compiled_part
from .frames import HOP, LONG, RATE, Doubles, Ints

SEARCH = 0.25
MIN_CORRELATION = 0.5
MOST_PER_FRAME = 12
QUIET = 1e-20


class Periods(NamedTuple):
    """Matched periods in order, then what every frame left behind.

    ``place``, (periods, 3): the frame that looked at it, its first sample, its length in whole samples;
    ``fit``, (periods, 2): the refined length in samples and the correlation there;
    ``end``, (frames, 2): where a frame's last period ended and how long that was, 0 where there was none.
    """

    place: Ints
    fit: Doubles
    end: Ints


def nominal(f0: Floats) -> Ints:
    """The pitch period in whole samples, (frames,), 0 where unvoiced."""
    return np.where(f0 > 0, np.rint(RATE / np.maximum(f0, 1).astype(np.float64)), 0).astype(np.int64)


def lay(wave: Floats, f0: Floats, period: Ints) -> Periods:
    """(samples,), pitch in Hz and nominal periods, (frames,) → all periods matched inside the samples."""
    place = np.empty((len(f0) * MOST_PER_FRAME, 3), np.int64)
    fit = np.empty((len(place), 2))
    end = np.zeros((len(f0), 2), np.int64)
    count = _walk(wave, f0, period, np.empty(LONG), place, fit, end)
    return Periods(place[:count], fit[:count], end)


@compiled_part(reorder=True)
def _correlate(wave: Floats, start: int, low: int, high: int, match: Doubles) -> None:
    """match[i] = c(start, low + i) for all lags up to ``high``; most sums grow from lag to lag."""
    here, later = wave[start:], wave[start + low :]
    first = second = power = other = 0.0
    for i in range(low):
        x, y = float(here[i]), float(later[i])
        first += x
        power += x * x
        second += y
        other += y * y
    for n in range(low, high + 1):
        later = here[n:]
        product = np.float32(0)
        for i in range(n):
            product += here[i] * later[i]
        variances = (n * power - first * first) * (n * other - second * second)
        if variances < QUIET:
            variances = QUIET
        match[n - low] = (n * product - first * second) / np.sqrt(variances)
        if n < high:
            x, y, z = float(here[n]), float(here[2 * n]), float(here[2 * n + 1])
            first += x
            power += x * x
            second += y + z - x
            other += y * y + z * z - x * x


@compiled(
    "float32[:] float32[:] int64[:] float64[:] int64[:,:] float64[:,:] int64[:,:]",
    returns="int64",
)
def _walk(
    wave: Floats, f0: Floats, period: Ints, match: Doubles, place: Ints, fit: Doubles, end: Ints
) -> int:
    """Fill the last three; the number of periods. ``match`` is scratch."""
    count = position = 0
    for k in range(f0.size):
        begin = k * HOP
        if period[k] == 0:
            position = begin + HOP
            continue
        exact = RATE / float(f0[k])
        low, high = int((1 - SEARCH) * exact), int((1 + SEARCH) * exact) + 1
        until = position + 2 * high + 2
        until = begin + HOP if until < begin + HOP else until
        until = begin + LONG if until > begin + LONG else until
        until = wave.size + 1 if until > wave.size + 1 else until
        start = kept = position
        while start < until - 2 * high - 1 and count < len(place):
            _correlate(wave, start, low, high, match)
            best = _highest(match, high - low)
            step = period[k]
            if best > 0:
                rise, fall = match[best] - match[best - 1], match[best] - match[best + 1]
                shift = 0.5 * (rise - fall) / (rise + fall)
                step = low + best
                place[count, 0], place[count, 1], place[count, 2] = k, start, step
                fit[count, 0] = step + shift
                fit[count, 1] = match[best] + 0.25 * (rise - fall) * shift
                count += 1
            start += step
            end[k, 0], end[k, 1] = start, step
            if start < begin + HOP - 1:
                kept = start
        position = kept
    return count


@compiled_part()
def _highest(match: Doubles, last: int) -> int:
    """The place of the highest local maximum before ``last`` - 1, 0 where there is none."""
    best = 0
    for i in range(1, last - 1):
        here = match[i]
        if here > match[i - 1] and here > match[i + 1] and (best == 0 or here > match[best]):
            best = i
    return best

"""Where would the next pitch period end? For every sample of a row's hop, the length of the period it begins.

Two neighbouring stretches of length L are compared by normalised cross-correlation,

    c(s, L) = cov(x[s : s+L], x[s+L : s+2L]) / (σ σ),

and the period beginning at s is the L of the highest local maximum within ±25 % of the period of
the frame's best pitch candidate, refined by a parabola. Only the :data:`REACH` lags on either side of
a first estimate, taken from the middle of the hop, are searched. An entry is the refined
length in samples; negative where c ≤ ½, which is too weak to count, and zero where there is no
maximum. Everything lies inside the row: 160 starts + 2 × 385 lags < 960.

Reference: Eyben 2016, section 2.2.13 (waveform matching); Boersma, Proc. Inst. Phon. Sci. 17, 1993.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from stimmung.engine.types import Floats

from .frames import HOP, LONG, RATE, Ints

SEARCH = 0.25
REACH = 4
MIN_CORRELATION = 0.5
MIN_VOICING = 0.5
POINTS = 1024


def lag_range(frequency: Floats) -> tuple[Ints, Ints]:
    """Least and greatest period searched, in samples, for a pitch in Hz."""
    period = RATE / np.maximum(frequency, 1).astype(np.float64)
    return np.floor((1 - SEARCH) * period).astype(np.int64), np.ceil((1 + SEARCH) * period).astype(np.int64)


def table(frames: Floats, frequency: Floats, voicing: Floats) -> Floats:
    """(frames, 960) samples with the best candidate's pitch and voicing → (frames, 160) period lengths."""
    out = np.zeros((len(frames), HOP), np.float32)
    voiced = np.flatnonzero((frequency > 0) & (voicing >= MIN_VOICING))
    if voiced.size:
        out[voiced] = _lengths(frames[voiced], frequency[voiced])
    return out


def _estimate(frames: Floats, low: Ints, high: Ints, period: Ints) -> Ints:
    """The lag that matches best in the middle of the hop, with a fixed window of one period."""
    middle = HOP // 2
    n = np.arange(LONG - middle)
    x = frames[:, middle:]
    template = np.where(n < period[:, None], x, 0)
    product = np.fft.rfft(x, POINTS) * np.conj(np.fft.rfft(template, POINTS))
    match = np.fft.irfft(product, POINTS)[:, : high.max() + 2]
    energy = np.pad(np.cumsum(x * x, axis=1), ((0, 0), (1, 0)))
    lags = np.arange(match.shape[1])
    rows = np.arange(len(frames))[:, None]
    power = energy[rows, lags + period[:, None]] - energy[:, : lags.size]
    match = match / np.sqrt(np.maximum(power, 1e-12))
    inside = (lags[1:-1] > low[:, None]) & (lags[1:-1] < high[:, None])
    peak = (match[:, 1:-1] > match[:, :-2]) & (match[:, 1:-1] > match[:, 2:]) & inside
    best = np.where(peak, match[:, 1:-1], -np.inf).argmax(axis=1) + 1
    return np.where(peak.any(axis=1), best, period)


def _lengths(frames: Floats, frequency: Floats) -> Floats:
    """The table of voiced frames, (frames, 160)."""
    low, high = lag_range(frequency)
    period = np.rint(RATE / frequency).astype(np.int64)
    first = np.maximum(_estimate(frames, low, high, period) - REACH, 2)
    lags = first[:, None] + np.arange(2 * REACH + 1)
    correlation = _correlation(frames, lags)
    left, top, right = correlation[:, :-2], correlation[:, 1:-1], correlation[:, 2:]
    inside = (lags[:, 1:-1] > low[:, None]) & (lags[:, 1:-1] < high[:, None] - 1)
    peak = (top > left) & (top > right) & inside[:, :, None]
    best = np.where(peak, top, -2).argmax(axis=1)[:, None]
    left, top, right = (np.take_along_axis(c, best, 1)[:, 0] for c in (left, top, right))
    bend = left - 2 * top + right
    shift = 0.5 * (left - right) / np.where(bend == 0, 1, bend)
    length = np.take_along_axis(lags, best[:, 0] + 1, 1) + shift
    height = top - 0.25 * (left - right) * shift
    return np.where(peak.any(axis=1), np.where(height > MIN_CORRELATION, length, -length), 0)


def _correlation(frames: Floats, lags: Ints) -> Floats:
    """c(s, L) for s = 0…159 and consecutive lags, (frames, lags, 160)."""
    span = HOP + int(lags.max())
    rows = np.arange(len(frames))[:, None]
    later = frames[rows, lags[:, :1] + np.arange(span + lags.shape[1] - 1)]
    later = sliding_window_view(later, span, axis=1)
    joint = np.zeros((*lags.shape, span + 1))
    np.cumsum(frames[:, None, :span] * later, axis=2, dtype=np.float64, out=joint[:, :, 1:])
    total = np.pad(np.cumsum(frames, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    square = np.pad(np.cumsum(frames * frames, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    start = np.arange(HOP)
    middle = lags[:, :, None] + start
    end = np.minimum(middle + lags[:, :, None], LONG)
    rows = rows[:, :, None]
    n = lags[:, :, None]
    cross = np.take_along_axis(joint, middle, 2) - joint[:, :, :HOP]
    at_start, at_middle, at_end = total[:, None, :HOP], total[rows, middle], total[rows, end]
    first, second = at_middle - at_start, at_end - at_middle
    at_start, at_middle, at_end = square[:, None, :HOP], square[rows, middle], square[rows, end]
    power = (at_middle - at_start - first * first / n) * (at_end - at_middle - second * second / n)
    return (cross - first * second / n) / np.sqrt(np.maximum(power, 1e-20))

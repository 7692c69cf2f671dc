"""Functionals of a contour's peaks and valleys: distances, heights, slopes.

Peaks and valleys are strict local extrema, two frames from either end. With θ a tenth of the contour's
range R, and its first value standing for the peak and the valley before the first, they are thinned in three steps:

1. a peak that differs by θ from the extremum before it is steep and stays; a gentle one must rise by θ
   from the last steep valley; it stays if such a valley came after the last peak, or if it is 5 % above
   that peak, which it then replaces;
2. valleys less than θ below the peak before them go;
3. of neighbours of the same kind the most extreme stays.

Values, in the published order, P being the peaks and V the valleys that stay: mean distance of peaks in
seconds, and the root mean square departure from it of the distances from valley to next peak; range of
P, the same over R; mean of P, its distance from and ratio to the contour's mean; range of V over R; mean
and spread of the slopes from valley to peak, then from peak to valley, per second. The first value is a turning
point too; the piece after the last one counts in the means only, with its own sign.

Reference: Eyben 2016, section 2.3.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from stimmung.engine.types import Floats

from .compiled import compiled
from .frames import FRAME_PERIOD_S, Doubles, Ints
from .statistics import soft_limit

Kinds = npt.NDArray[np.int8]

THRESHOLD = 0.1
HIGHER = 1.05
RATIO_LIMIT = 10.0


def peaks(x: Floats, count: Ints, low: Floats, high: Floats, mean: Doubles) -> Doubles:
    """(contours, frames) → (contours, 12)."""
    spread = (high - low).astype(np.float64)
    kind = np.zeros(x.shape, np.int8)
    found = np.zeros((len(x), 2, 6))
    _all(x, count, np.float32(THRESHOLD) * (high - low), kind, found)
    distance, wander, peak_range, peak_mean, rise, rise_spread = found[:, 0].T
    valley_range, fall, fall_spread = found[:, 1, [2, 4, 5]].T
    last = x[np.arange(len(x)), np.maximum(count - 1, 0)]
    straight = np.where(kind.any(axis=1), 0, (last - x[:, 0]) / np.maximum(count, 1))
    scale = np.where(spread > 0, spread, 1)
    ratio = soft_limit(peak_mean / np.where(mean == 0, 1, mean), RATIO_LIMIT, RATIO_LIMIT)
    return np.stack(
        [
            distance * FRAME_PERIOD_S,
            wander * FRAME_PERIOD_S,
            peak_range,
            np.minimum(peak_range / scale, 1),
            peak_mean,
            peak_mean - mean,
            np.where(mean == 0, 2 * RATIO_LIMIT, ratio),
            np.minimum(valley_range / scale, 1),
            rise / FRAME_PERIOD_S + np.maximum(straight, 0),
            rise_spread / FRAME_PERIOD_S,
            fall / FRAME_PERIOD_S + np.minimum(straight, 0),
            fall_spread / FRAME_PERIOD_S,
        ],
        1,
    )


@compiled
def _all(x: Floats, count: Ints, threshold: Floats, kind: Kinds, found: Doubles) -> None:
    """``kind`` begins at zero and ends with +1 at peaks and -1 at valleys."""
    for c in range(x.shape[0]):
        _mark(x[c], count[c], threshold[c], kind[c])
        _thin(x[c], count[c], threshold[c], kind[c])
        _measure(x[c], count[c], 1, kind[c], found[c, 0])
        _measure(x[c], count[c], -1, kind[c], found[c, 1])


@compiled
def _mark(y: Floats, frames: int, threshold: np.float32, kind: Kinds) -> None:
    """All valleys, and the peaks that survive step 1."""
    before = low = height = y[0]
    leader = 0
    valley_since = False
    for t in range(2, frames - 2):
        peak = y[t] > y[t - 1] and y[t] > y[t + 1]
        if not (peak or (y[t] < y[t - 1] and y[t] < y[t + 1])):
            continue
        steep = abs(y[t] - before) >= threshold
        before = y[t]
        if not peak:
            kind[t] = -1
            if steep:
                low = y[t]
                valley_since = True
        elif steep or y[t] - low >= threshold:
            higher = y[t] > HIGHER * height
            if not steep and higher:
                kind[leader] = 0
            if steep or higher or valley_since:
                kind[t] = 1
                leader = t
                height = y[t]
            valley_since = False


@compiled
def _thin(y: Floats, frames: int, threshold: np.float32, kind: Kinds) -> None:
    """Steps 2 and 3."""
    peak = y[0]
    last = 0
    for t in range(2, frames - 2):
        if kind[t] == 1:
            peak = y[t]
        elif kind[t] == -1 and peak - y[t] < threshold:
            kind[t] = 0
        if kind[t] == 0:
            continue
        if last > 0 and kind[last] == kind[t]:
            if kind[t] * y[t] > kind[t] * y[last]:
                kind[last] = 0
            else:
                kind[t] = 0
                continue
        last = t


@compiled
def _measure(y: Floats, frames: int, sign: int, kind: Kinds, found: Doubles) -> None:
    """Of the peaks or the valleys: distance, wander, range, mean, mean slope towards them and its spread."""
    number = first = last = turn = before = 0
    low = high = y[0]
    total = slope = 0.0
    for t in range(2, frames - 2):
        if kind[t] == sign:
            if number == 0:
                first = t
                low = high = y[t]
            if y[t] < low:
                low = y[t]
            if y[t] > high:
                high = y[t]
            last = t
            number += 1
            total += y[t]
            slope += sign * (y[t] - y[turn]) / (t - turn)
        if kind[t] != 0:
            turn = t
            before = kind[t]
    if number > 0:
        found[0] = (last - first) / (number - 1) if number > 1 else 0.0
        found[2] = high - low
        found[3] = total / number
    pieces = number
    if before == -sign and frames - 1 > turn:
        slope += (y[frames - 1] - y[turn]) / (frames - 1 - turn)
        pieces += 1
    if pieces > 0:
        found[4] = slope / pieces
    turn = 0
    for t in range(2, frames - 2):
        if kind[t] == sign:
            departure = sign * (y[t] - y[turn]) / (t - turn) - found[4]
            found[5] += departure * departure / pieces
            if t > first:
                climb = t - turn - found[0]
                found[1] += climb * climb / (number - 1)
        if kind[t] != 0:
            turn = t
    found[1] = found[1] ** 0.5
    found[5] = found[5] ** 0.5

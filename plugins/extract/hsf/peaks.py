"""Functionals of a contour's peaks and valleys: distances, heights, slopes.

Peaks and valleys are strict local extrema, two frames from either end. With θ a tenth of the contour's
range R, and its first value standing for a peak and a valley, they are thinned in three steps:

1. a peak that differs by θ from the extremum before it is steep and stays; a gentle one must rise by θ
   from the last steep valley; it stays if such a valley came after the last peak, or if it is 5 % above
   that peak, which it then replaces;
2. valleys less than θ below the peak before them go;
3. of neighbours of the same kind the most extreme stays.

Values, in the published order, P being the peaks and V the valleys that stay: mean distance of peaks in
seconds, and the root mean square departure from it of the distances from valley to next peak; range of
P, the same over R; mean of P, its distance from and ratio to the contour's mean; range of V over R; mean
and spread of the slopes from valley to peak, then from peak to valley, per second. The first value is a
turning point too; the piece after the last one counts in the means only, with its own sign.

Reference: Eyben 2016, section 2.3.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from stimmung.engine.types import Bools, Floats

from .compiled import compiled, compiled_part
from .frames import FRAME_PERIOD_S, Doubles, Ints
from .statistics import soft_limit

Kinds = npt.NDArray[np.int8]

THRESHOLD = 0.1
HIGHER = np.float32(1.05)
RATIO_LIMIT = 10.0
PEAK, VALLEY = 1, -1


@compiled_part()
def _turns(here: Floats, frames: int, frame: Ints, kind: Kinds) -> int:
    """List the first frame and all strict local extrema of a contour; how many they are."""
    frame[0] = 0
    kind[0] = 0
    number = 1
    before, middle, after = here[1:], here[2:], here[3:]
    for t in range(frames - 4):
        y = middle[t]
        peak = (y > before[t]) & (y > after[t])
        valley = (y < before[t]) & (y < after[t])
        frame[number] = t + 2
        kind[number] = np.int8(peak) - np.int8(valley)
        number += peak | valley
    return number


@compiled_part()
def _thin(here: Floats, number: int, threshold: np.float32, frame: Ints, kind: Kinds, keep: Bools) -> int:
    """Take the three steps, moving what stays to the front of the lists; how many stay."""
    low = height = before = here[0]
    leader = 0
    valley_since = False
    for i in range(1, number):
        y = here[frame[i]]
        steep = abs(y - before) >= threshold
        before = y
        keep[i] = True
        if kind[i] < 0:
            if steep:
                low = y
                valley_since = True
        elif not steep and y - low < threshold:
            keep[i] = False
        else:
            higher = y > HIGHER * height
            if higher and not steep:
                keep[leader] = False
            if steep or higher or valley_since:
                leader = i
                height = y
            else:
                keep[i] = False
            valley_since = False
    height = here[0]
    last = 0
    for i in range(1, number):
        if not keep[i]:
            continue
        y = here[frame[i]]
        if kind[i] > 0:
            height = y
        elif height - y < threshold:
            continue
        if kind[i] != kind[last]:
            last += 1
        elif kind[i] * (y - here[frame[last]]) <= 0:
            continue
        frame[last] = frame[i]
        kind[last] = kind[i]
    return last + 1


@compiled_part()
def _measure(
    here: Floats, points: int, sign: int, tail: float, frame: Ints, kind: Kinds, out: Doubles
) -> None:
    """Of the peaks, or the valleys: distance and its wander, range, mean, slope and its spread.

    Times are in frames; ``tail`` is the slope of the piece after the last point, NaN where there is none.
    """
    number = 0
    first = before = 0
    least = greatest = here[0]
    total = slopes = 0.0
    for i in range(1, points):
        if kind[i] == sign:
            y = here[frame[i]]
            if number == 0:
                first = frame[i]
                least = greatest = y
            before = frame[i]
            if y < least:
                least = y
            if y > greatest:
                greatest = y
            total += y
            slopes += sign * (float(y) - here[frame[i - 1]]) / (frame[i] - frame[i - 1])
            number += 1
    gaps = number - 1 if number > 1 else 1
    distance = (before - first) / gaps
    pieces = number
    if tail == tail:
        pieces += 1
        slopes += tail
    if pieces == 0:
        pieces = 1
    slope = slopes / pieces
    wander = spread = 0.0
    for i in range(1, points):
        if kind[i] == sign:
            run = frame[i] - frame[i - 1]
            if frame[i] != first:
                wander += (run - distance) * (run - distance)
            departure = sign * (float(here[frame[i]]) - here[frame[i - 1]]) / run - slope
            spread += departure * departure
    out[0] = distance
    out[1] = np.sqrt(wander / gaps)
    out[2] = float(greatest) - least
    out[3] = total / (number if number > 0 else 1)
    out[4] = slope
    out[5] = np.sqrt(spread / pieces)


@compiled("float32[:,:] int64[:] float32[:] int64[:] int8[:] bool[:] float64[:,:,:]")
def _survey(
    x: Floats, count: Ints, threshold: Floats, frame: Ints, kind: Kinds, keep: Bools, found: Doubles
) -> None:
    """Measure what stays of each contour's peaks and valleys, (contours, 2, 6); the lists are scratch."""
    for c in range(count.size):
        here, tops, bottoms = x[c], found[c, 0], found[c, 1]
        points = _turns(here, count[c], frame, kind)
        points = _thin(here, points, threshold[c], frame, kind, keep)
        end, ending = float(here[count[c] - 1]), kind[points - 1]
        if ending == 0:
            rise = fall = np.nan
            slope = (end - here[0]) / count[c]
        else:
            slope = (end - here[frame[points - 1]]) / (count[c] - 1 - frame[points - 1])
            rise = slope if ending < 0 else np.nan
            fall = slope if ending > 0 else np.nan
        _measure(here, points, PEAK, rise, frame, kind, tops)
        _measure(here, points, VALLEY, fall, frame, kind, bottoms)
        if ending == 0:
            tops[4] += slope * FRAME_PERIOD_S if slope > 0 else 0.0
            bottoms[4] += slope * FRAME_PERIOD_S if slope < 0 else 0.0


def peaks(x: Floats, count: Ints, low: Doubles, high: Doubles, mean: Doubles) -> Doubles:
    """(contours, frames) → (contours, 12)."""
    frames = x.shape[1]
    found = np.zeros((len(x), 2, 6))
    lists = np.empty(frames, np.int64), np.empty(frames, np.int8), np.empty(frames, np.bool_)
    _survey(x, count, np.float32(THRESHOLD) * (high - low).astype(np.float32), *lists, found)
    distance, wander, peak_range, peak_mean, rise, rise_spread = found[:, 0].T
    _, _, valley_range, _, fall, fall_spread = found[:, 1].T
    spread = high - low
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
            rise / FRAME_PERIOD_S,
            rise_spread / FRAME_PERIOD_S,
            fall / FRAME_PERIOD_S,
            fall_spread / FRAME_PERIOD_S,
        ],
        1,
    )

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

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from stimmung.engine.types import Bools, Floats

from .compiled import compiled
from .frames import FRAME_PERIOD_S, Doubles, Ints
from .statistics import soft_limit

Kinds = npt.NDArray[np.int8]

THRESHOLD = 0.1
HIGHER = 1.05
RATIO_LIMIT = 10.0


def _turns(x: Floats, count: Ints) -> tuple[Ints, Ints, Floats, Kinds]:
    """The first frame and all strict local extrema of each contour, one contour after the other.

    Where each contour's begin, (contours + 1,), then frame, value and kind: peak +1, valley -1, first 0.
    """
    contours, frames = x.shape
    step = np.diff(x, axis=1)
    up, down = step > 0, step < 0
    kind = np.zeros(x.shape, np.int8)
    np.subtract(up[:, :-1] & down[:, 1:], down[:, :-1] & up[:, 1:], out=kind[:, 1:-1], dtype=np.int8)
    kind[:, 1] = 0
    kind[np.arange(frames) >= count[:, None] - 2] = 0
    there = kind != 0
    there[:, 0] = True
    points = np.append(0, np.cumsum(np.count_nonzero(there, axis=1)))
    flat = np.flatnonzero(there)
    frame = flat - np.repeat(np.arange(contours) * frames, np.diff(points))
    return points, frame, x.reshape(-1)[flat], kind.reshape(-1)[flat]


@compiled
def _thin(value: Floats, kind: Kinds, threshold: Floats, keep: Bools) -> None:
    """The three steps: ``keep`` begins true and ends false for what goes; ``threshold`` is each point's θ."""
    before = low = height = value[0]
    leader = 0
    valley_since = False
    for i in range(value.size):
        y = value[i]
        steep = abs(y - before) >= threshold[i]
        before = y
        if kind[i] == 0:
            low = y
            height = y
            leader = i
            valley_since = False
        elif kind[i] < 0:
            if steep:
                low = y
                valley_since = True
        else:
            higher = y > HIGHER * height
            if not steep and y - low < threshold[i]:
                keep[i] = False
            else:
                if higher and not steep and kind[leader] != 0:
                    keep[leader] = False
                if steep or higher or valley_since:
                    leader = i
                    height = y
                else:
                    keep[i] = False
                valley_since = False
    last = 0
    for i in range(value.size):
        if keep[i]:
            if kind[i] >= 0:
                height = value[i]
            elif height - value[i] < threshold[i]:
                keep[i] = False
        if keep[i]:
            if kind[i] != 0 and kind[i] == kind[last]:
                if kind[i] * (value[i] - value[last]) > 0:
                    keep[last] = False
                    last = i
                else:
                    keep[i] = False
            else:
                last = i


@dataclass(frozen=True, slots=True)
class _Points:
    """What stayed: ``first`` is where each contour's points begin, the rest is one value a point.

    A contour's first point is its first frame; ``run`` and ``rise`` lead from the point before.
    """

    first: Ints
    contour: Ints
    value: Doubles
    kind: Kinds
    frame: Ints
    run: Ints
    rise: Doubles

    def of(self, sign: int) -> tuple[Ints, Ints, Ints]:
        """Places and contours of the peaks or of the valleys, and their number in each contour."""
        place = np.flatnonzero(self.kind == sign)
        contour = self.contour[place]
        return place, contour, np.bincount(contour, minlength=self.first.size)


def _spacing(points: _Points) -> tuple[Doubles, Doubles]:
    """Mean distance of peaks, and how far valley-to-peak distances depart from it, in frames."""
    place, contour, number = points.of(1)
    gap = np.append(0, np.diff(points.frame[place])) if place.size else place
    later = np.append(False, contour[1:] == contour[:-1])[: place.size]
    gaps = np.maximum(number - 1, 1)
    distance = np.bincount(contour, gap * later, number.size) / gaps
    departure = (points.run[place] - distance[contour]) * later
    return distance, np.sqrt(np.bincount(contour, departure * departure, number.size) / gaps)


def _heights(points: _Points, sign: int) -> tuple[Doubles, Doubles]:
    """Range and mean of each contour's peaks or valleys; zeros where it has none."""
    place, contour, number = points.of(sign)
    spread = np.zeros(number.size)
    value = points.value[place]
    some = np.flatnonzero(number)
    if some.size:
        first = (np.cumsum(number) - number)[some]
        spread[some] = np.maximum.reduceat(value, first) - np.minimum.reduceat(value, first)
    return spread, np.bincount(contour, value, number.size) / np.maximum(number, 1)


def _slopes(points: _Points, sign: int, tail: Doubles) -> tuple[Doubles, Doubles]:
    """Mean and spread of the slopes towards peaks or valleys, per frame; ``tail`` is NaN for none."""
    place, contour, number = points.of(sign)
    slope = sign * points.rise[place] / points.run[place]
    pieces = np.maximum(number + ~np.isnan(tail), 1)
    mean = (np.bincount(contour, slope, number.size) + np.nan_to_num(tail)) / pieces
    departure = slope - mean[contour]
    return mean, np.sqrt(np.bincount(contour, departure * departure, number.size) / pieces)


def _points(x: Floats, count: Ints, threshold: Floats) -> _Points:
    """The turning points of (contours, frames) that survive the three steps."""
    first, frame, value, kind = _turns(x, count)
    keep = np.ones(kind.size, np.bool_)
    _thin(value, kind, np.repeat(threshold, np.diff(first)), keep)
    first = np.append(0, np.cumsum(keep))[first]
    stay = np.flatnonzero(keep)
    frame, height = frame[stay], value[stay].astype(np.float64)
    run, rise = np.diff(frame, prepend=0), np.diff(height, prepend=0)
    contour = np.repeat(np.arange(len(x)), np.diff(first))
    return _Points(first[:-1], contour, height, kind[stay], frame, run, rise)


def peaks(x: Floats, count: Ints, low: Floats, high: Floats, mean: Doubles) -> Doubles:
    """(contours, frames) → (contours, 12)."""
    points = _points(x, count, np.float32(THRESHOLD) * (high - low))
    final = np.append(points.first[1:], points.kind.size) - 1
    end = x[np.arange(len(x)), count - 1].astype(np.float64)
    rest, ending = count - 1 - points.frame[final], points.kind[final]
    tail = (end - points.value[final]) / np.maximum(rest, 1)
    tail[(rest == 0) | (ending == 0)] = np.nan
    straight = np.where(ending == 0, (end - x[:, 0]) / count, 0)
    distance, wander = _spacing(points)
    peak_range, peak_mean = _heights(points, 1)
    valley_range, _ = _heights(points, -1)
    rise, rise_spread = _slopes(points, 1, np.where(ending < 0, tail, np.nan))
    fall, fall_spread = _slopes(points, -1, np.where(ending > 0, tail, np.nan))
    spread = (high - low).astype(np.float64)
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

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


@dataclass(frozen=True, slots=True)
class Turns:
    """Turning points of all contours, one after the other: peak +1, valley -1, first frame 0."""

    contour: Ints
    frame: Ints
    value: Floats
    kind: Kinds

    def keep(self, chosen: Bools) -> Turns:
        """The chosen ones, in order."""
        return Turns(self.contour[chosen], self.frame[chosen], self.value[chosen], self.kind[chosen])


def turns(x: Floats, count: Ints) -> Turns:
    """The first frame and all strict local extrema of (contours, frames)."""
    kind = np.zeros(x.shape, np.int8)
    step = np.diff(x, axis=1)
    up, down = step > 0, step < 0
    kind[:, 1:-1] = (up[:, :-1] & down[:, 1:]).view(np.int8) - (down[:, :-1] & up[:, 1:]).view(np.int8)
    frame = np.arange(x.shape[1])
    there = (kind != 0) & (frame > 1) & (frame < count[:, None] - 2)
    there[:, 0] = True
    flat = np.flatnonzero(there)
    contour, frame = np.divmod(flat, x.shape[1])
    return Turns(contour, frame, x.reshape(-1)[flat], kind.reshape(-1)[flat])


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


def peaks(x: Floats, count: Ints, low: Floats, high: Floats, mean: Doubles) -> Doubles:
    """(contours, frames) → (contours, 12)."""
    points = turns(x, count)
    keep = np.ones(len(points.kind), np.bool_)
    _thin(points.value, points.kind, (np.float32(THRESHOLD) * (high - low))[points.contour], keep)
    points = points.keep(keep)
    spread = (high - low).astype(np.float64)
    scale = np.where(spread > 0, spread, 1)
    distance, wander = _distances(points, len(x))
    peak_range, peak_mean = _heights(points.keep(points.kind > 0), len(x))
    valley_range, _ = _heights(points.keep(points.kind < 0), len(x))
    ratio = soft_limit(peak_mean / np.where(mean == 0, 1, mean), RATIO_LIMIT, RATIO_LIMIT)
    return np.stack(
        [
            distance,
            wander,
            peak_range,
            np.minimum(peak_range / scale, 1),
            peak_mean,
            peak_mean - mean,
            np.where(mean == 0, 2 * RATIO_LIMIT, ratio),
            np.minimum(valley_range / scale, 1),
            *_slopes(points, x, count),
        ],
        1,
    )


def _distances(points: Turns, contours: int) -> tuple[Doubles, Doubles]:
    """Mean distance of peaks, and how far valley-to-peak distances depart from it, in seconds."""
    peak = points.kind > 0
    owner, frame = points.contour[peak], points.frame[peak]
    later = np.append(False, owner[1:] == owner[:-1])[: owner.size]
    owner = owner[later]
    count = np.maximum(np.bincount(owner, minlength=contours), 1)
    mean = np.bincount(owner, np.diff(frame, prepend=0)[later], contours) / count
    climb = np.diff(points.frame, prepend=0)[peak][later]
    wander = np.sqrt(np.bincount(owner, (climb - mean[owner]) ** 2, contours) / count)
    return mean * FRAME_PERIOD_S, wander * FRAME_PERIOD_S


def _heights(points: Turns, contours: int) -> tuple[Doubles, Doubles]:
    """Range and mean of each contour's points; zeros where it has none."""
    spread, mean = np.zeros((2, contours))
    number = np.bincount(points.contour, minlength=contours)
    owner = np.flatnonzero(number)
    if owner.size:
        first = np.append(0, np.cumsum(number[owner])[:-1])
        spread[owner] = np.maximum.reduceat(points.value, first) - np.minimum.reduceat(points.value, first)
        mean[owner] = np.bincount(points.contour, points.value, contours)[owner] / number[owner]
    return spread, mean


def _slopes(points: Turns, x: Floats, count: Ints) -> list[Doubles]:
    """Mean and spread of rising, then of falling slopes, per second.

    Without any turning point the mean is the contour's overall slope per frame.
    """
    contours = len(x)
    rise = np.diff(points.value.astype(np.float64), prepend=0)
    slope = rise / np.maximum(np.diff(points.frame, prepend=0), 1)
    final = np.append(np.flatnonzero(points.kind == 0)[1:], len(points.kind)) - 1
    kind, rest = points.kind[final], count - 1 - points.frame[final]
    end = x[np.arange(contours), count - 1]
    tail = (end - points.value[final]) / np.maximum(rest, 1)
    whole = np.where(kind == 0, (end - x[:, 0]) / count, 0)
    results = []
    for sign in (1, -1):
        chosen = points.kind == sign
        owner, steepness = points.contour[chosen], sign * slope[chosen]
        ending = (kind == -sign) & (rest > 0)
        number = np.maximum(np.bincount(owner, minlength=contours) + ending, 1)
        mean = (np.bincount(owner, steepness, contours) + np.where(ending, tail, 0)) / number
        spread = np.sqrt(np.bincount(owner, (steepness - mean[owner]) ** 2, contours) / number)
        results += [mean / FRAME_PERIOD_S + sign * np.maximum(sign * whole, 0), spread / FRAME_PERIOD_S]
    return results

"""Functionals of a contour's peaks and valleys: distances, heights, slopes.

Extrema are strict local maxima and minima, two frames from either end. With θ a tenth of the
contour's range R, they are thinned in three steps (all contours at once, as one flat list in which a
contour's first frame stands before its extrema):

1. a peak that differs by less than θ from the extremum before it must rise by θ from the last valley that
   did not; such gentle peaks, unless a steep valley lies between, stay only if 5 % above the peak before,
   which they replace;
2. valleys less than θ below the peak before them go;
3. of neighbours of the same kind the most extreme stays.

Values, in the published order, P being the peaks and V the valleys that stay: mean distance of peaks in
seconds, and the root mean square departure from it of the distances from valley to next peak; range of
P, the same over R; mean of P, its distance from and ratio to the contour's mean; range of V over R; mean
and spread of the slopes from valley to peak, then from peak to valley, per second. The contour's
ends count as turning points.

Reference: Eyben 2016, section 2.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from stimmung.engine.types import Bools, Floats

from .frames import FRAME_PERIOD_S, Doubles, Ints
from .statistics import soft_limit

THRESHOLD = 0.1
HIGHER = 1.05
RATIO_LIMIT = 10.0


@dataclass(frozen=True, slots=True)
class Turns:
    """Turning points of all contours, one after the other: peak +1, valley -1, first frame 0."""

    contour: Ints
    frame: Ints
    value: Floats
    kind: Ints

    def keep(self, chosen: Bools) -> Turns:
        """The chosen ones, in order."""
        return Turns(self.contour[chosen], self.frame[chosen], self.value[chosen], self.kind[chosen])


def turns(x: Floats) -> Turns:
    """The first frame and all strict local extrema of (contours, frames)."""
    frames = x.shape[1]
    kind = np.zeros(x.shape, np.int8)
    if frames > 4:
        step = np.diff(x[:, 1:-1], axis=1)
        up, down = step > 0, step < 0
        kind[:, 2:-2] = (up[:, :-1] & down[:, 1:]).view(np.int8) - (down[:, :-1] & up[:, 1:]).view(np.int8)
    there = kind != 0
    there[:, 0] = True
    flat = np.flatnonzero(there)
    contour, frame = np.divmod(flat, frames)
    return Turns(contour, frame, x.reshape(-1)[flat], kind.reshape(-1)[flat])


def _last(marked: Bools) -> Ints:
    """For each place the nearest marked one before it; every contour's first frame must be marked."""
    index = np.maximum.accumulate(np.where(marked, np.arange(len(marked)), 0))
    return np.concatenate([[0], index[:-1]])


def thin(points: Turns, threshold: Floats) -> Turns:
    """The three steps; ``threshold`` is each contour's θ."""
    points = points.keep(_prominent(points, threshold))
    peak_before = points.value[_last(points.kind >= 0)]
    deep = peak_before - points.value >= threshold[points.contour]
    points = points.keep((points.kind >= 0) | deep)
    return points.keep(_most_extreme(points))


def _prominent(points: Turns, threshold: Floats) -> Bools:
    """Step 1: everything but the peaks that go."""
    value, peak, start = points.value, points.kind > 0, points.kind == 0
    limit = threshold[points.contour]
    steep = np.abs(np.diff(value, prepend=value[:1])) >= limit
    valley = _last(start | (steep & (points.kind < 0)))
    gentle = peak & ~steep & (value - value[valley] >= limit)
    candidate = start | gentle | (peak & steep)
    anchor = start | (candidate & (steep | (valley > _last(candidate))))
    leader = _leaders(value, anchor, gentle)
    stay = ~peak
    stay[leader] = True
    return stay


def _leaders(value: Floats, anchor: Bools, gentle: Bools) -> Ints:
    """The place of each group's leader; a group is an anchor and the gentle peaks up to the next anchor.

    A gentle anchor 5 % above the leader before it replaces that one too.
    """
    leader = np.flatnonzero(anchor)
    follower = np.flatnonzero(gentle & ~anchor)
    group = np.searchsorted(leader, follower) - 1
    rank = np.arange(len(follower)) - np.searchsorted(group, group)
    for place in range(int(rank.max()) + 1 if len(rank) else 0):
        challenger, held = follower[rank == place], group[rank == place]
        wins = value[challenger] > HIGHER * value[leader[held]]
        leader[held[wins]] = challenger[wins]
    first = np.flatnonzero(anchor)
    replaced = gentle[first[1:]] & (value[first[1:]] > HIGHER * value[leader[:-1]])
    return leader[np.append(~replaced, True)]


def _most_extreme(points: Turns) -> Bools:
    """Step 3: the first of the most extreme ones in each run of the same kind."""
    fresh = np.ones(len(points.kind), np.bool_)
    fresh[1:] = (points.kind[1:] != points.kind[:-1]) | (points.contour[1:] != points.contour[:-1])
    size = points.kind * points.value
    run = np.cumsum(fresh) - 1
    best = size == np.maximum.reduceat(size, np.flatnonzero(fresh))[run]
    place = np.flatnonzero(best)
    first = np.ones(len(place), np.bool_)
    first[1:] = run[place[1:]] != run[place[:-1]]
    chosen = np.zeros(len(best), np.bool_)
    chosen[place[first]] = True
    return chosen


def peaks(x: Floats) -> Doubles:
    """(contours, frames) → (contours, 12)."""
    low, high = x.min(axis=1), x.max(axis=1)
    spread = high - low
    points = thin(turns(x), np.float32(THRESHOLD) * spread)
    mean = x.mean(axis=1, dtype=np.float64)
    spread = spread.astype(np.float64)
    scale = np.where(spread > 0, spread, 1)
    distance, wander = _distances(points, len(x))
    peak_low, peak_high, peak_mean = _heights(points.keep(points.kind > 0), len(x))
    valley_low, valley_high, _ = _heights(points.keep(points.kind < 0), len(x))
    ratio = soft_limit(peak_mean / np.where(mean == 0, 1, mean), RATIO_LIMIT, RATIO_LIMIT)
    return np.stack(
        [
            distance,
            wander,
            peak_high - peak_low,
            np.minimum((peak_high - peak_low) / scale, 1),
            peak_mean,
            peak_mean - mean,
            np.where(mean == 0, 2 * RATIO_LIMIT, ratio),
            np.minimum((valley_high - valley_low) / scale, 1),
            *_slopes(points, x),
        ],
        1,
    )


def _distances(points: Turns, contours: int) -> tuple[Doubles, Doubles]:
    """Mean distance of peaks, and root mean square departure from it of valley-to-peak distances, in seconds."""
    peak = points.keep(points.kind > 0)
    later = np.zeros(len(peak.contour), np.bool_)
    later[1:] = peak.contour[1:] == peak.contour[:-1]
    owner = peak.contour[later]
    count = np.maximum(np.bincount(owner, minlength=contours), 1)
    mean = np.bincount(owner, np.diff(peak.frame, prepend=0)[later], contours) / count
    climb = np.diff(points.frame, prepend=0)[points.kind > 0][later]
    wander = np.sqrt(np.bincount(owner, (climb - mean[owner]) ** 2, contours) / count)
    return mean * FRAME_PERIOD_S, wander * FRAME_PERIOD_S


def _heights(points: Turns, contours: int) -> tuple[Doubles, Doubles, Doubles]:
    """Least, greatest and mean value of each contour's points; zeros where it has none."""
    low, high, mean = np.zeros((3, contours))
    if points.contour.size:
        owner, first, count = np.unique(points.contour, return_index=True, return_counts=True)
        low[owner] = np.minimum.reduceat(points.value, first)
        high[owner] = np.maximum.reduceat(points.value, first)
        mean[owner] = np.add.reduceat(points.value.astype(np.float64), first) / count
    return low, high, mean


def _slopes(points: Turns, x: Floats) -> list[Doubles]:
    """Mean and spread of rising, then of falling slopes, per second.

    The piece after the last turning point counts in the mean only, with its own sign; without any turning
    point the mean is the contour's overall slope per frame.
    """
    contours, frames = x.shape
    slope = np.diff(points.value.astype(np.float64), prepend=0) / np.maximum(
        np.diff(points.frame, prepend=0), 1
    )
    final = np.append(np.flatnonzero(points.kind == 0)[1:], len(points.kind)) - 1
    kind, rest = points.kind[final], frames - 1 - points.frame[final]
    tail = (x[:, -1] - points.value[final]) / np.maximum(rest, 1)
    results = []
    for sign in (1, -1):
        chosen = points.kind == sign
        owner, steepness = points.contour[chosen], sign * slope[chosen]
        ending = (kind == -sign) & (rest > 0)
        number = np.bincount(owner, minlength=contours) + ending
        total = np.bincount(owner, steepness, contours) + np.where(ending, tail, 0)
        mean = total / np.maximum(number, 1)
        spread = np.sqrt(np.bincount(owner, (steepness - mean[owner]) ** 2, contours) / np.maximum(number, 1))
        whole = (x[:, -1] - x[:, 0]) / frames * FRAME_PERIOD_S
        flat = (kind == 0) & (sign * whole > 0)
        results += [np.where(flat, whole, mean) / FRAME_PERIOD_S, spread / FRAME_PERIOD_S]
    return results

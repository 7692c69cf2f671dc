"""Functionals that count frames: time above levels, rise time, curvature time, and segments.

With R the contour's range and N its frames:

* up-level time 25, 50, 75, 90: share of frames above min + 25 … 90 % of R;
* rise time: share of steps that go up; left-curvature time: share of inner frames where the slope grows;
* segments: a new one begins where the mean of the last three frames crosses min + 25 % or 75 % of R,
  more than max(2, ⌊N / 100⌋ - 1) frames after the last; mean, longest, shortest and standard deviation of
  their lengths in seconds. What follows the last crossing is no segment;
* voiced segments: runs of non-zero frames, at least three of them, ended by two zeros.

Reference: Eyben 2016, section 2.3.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .compiled import compiled
from .frames import FRAME_PERIOD_S, Doubles, Ints

LEVELS = (0.25, 0.5, 0.75, 0.9)
MAX_SEGMENTS = 100
VOICED_RUN, PAUSE_RUN = 3, 2


def durations(x: Floats, count: Ints, low: Floats, high: Floats) -> tuple[Doubles, Doubles]:
    """(contours, frames) → segments in seconds, (contours, 4), and times, (contours, 6)."""
    levels = np.outer(high - low, LEVELS).astype(np.float32) + low[:, None]
    found = np.zeros((len(x), 10))
    _scan(x, count, levels, found)
    seconds = found[:, :4] * FRAME_PERIOD_S
    shares = found[:, 4:] / np.maximum(count[:, None] - np.array([0, 0, 0, 0, 1, 2]), 1)
    return seconds, shares


@compiled
def _scan(x: Floats, count: Ints, levels: Floats, found: Doubles) -> None:
    """Segments in frames (mean, longest, shortest, deviation), frames above levels, rises, left bends."""
    for c in range(count.size):
        quarter, half, most, top = levels[c, 0], levels[c, 1], levels[c, 2], levels[c, 3]
        least = count[c] // MAX_SEGMENTS - 1
        if least < 2:
            least = 2
        last = -(least // 2)
        number = above1 = above2 = above3 = above4 = rises = bends = 0
        longest = shortest = 0
        total = squares = 0.0
        before = np.float32(0)
        y1 = y2 = step = np.float32(0)
        for t in range(count[c]):
            y = x[c, t]
            above1 += y > quarter
            above2 += y > half
            above3 += y > most
            above4 += y > top
            if t > 1:
                mean = (y + y1 + y2) / np.float32(3)
                bends += y - y1 > step
            else:
                mean = (y + y1) / np.float32(t + 1)
            step = y - y1
            rises += t > 0 and y > y1
            y2 = y1
            y1 = y
            if t - last > least and number < MAX_SEGMENTS:
                up = (mean > quarter and before <= quarter) or (mean > most and before <= most)
                down = (mean < quarter and before >= quarter) or (mean < most and before >= most)
                if up or down:
                    length = t - last
                    last = t
                    number += 1
                    total += length
                    squares += length * length
                    if length > longest:
                        longest = length
                    if number == 1 or length < shortest:
                        shortest = length
            before = mean
        if number > 0:
            mean_length = total / number
            found[c, 0] = mean_length
            found[c, 1] = longest
            found[c, 2] = shortest
            found[c, 3] = abs(squares / number - mean_length * mean_length) ** 0.5
        found[c, 4], found[c, 5], found[c, 6], found[c, 7] = above1, above2, above3, above4
        found[c, 8], found[c, 9] = rises, bends


def voiced_segments(contour: Floats) -> Doubles:
    """(frames,) → mean, longest, shortest and standard deviation of voiced segments, (4,), seconds.

    A segment's length runs from its first to its last frame, so it is one frame short of their number.
    """
    voiced = np.flatnonzero(contour)
    breaks = np.flatnonzero(np.diff(voiced) > PAUSE_RUN)
    first = np.append(0, breaks + 1)
    last = np.append(breaks, voiced.size - 1)
    long = last - first + 1 >= VOICED_RUN
    if not long.any():
        return np.zeros(4)
    length = (voiced[last[long]] - voiced[first[long]]) * FRAME_PERIOD_S
    return np.array([length.mean(), length.max(), length.min(), length.std()])

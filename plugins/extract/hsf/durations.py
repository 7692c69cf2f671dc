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
from .statistics import real

LEVELS = (0.25, 0.5, 0.75, 0.9)
MAX_SEGMENTS = 100
VOICED_RUN, PAUSE_RUN = 3, 2


def times(x: Floats, count: Ints, ranked: Floats, low: Floats, high: Floats) -> Doubles:
    """(contours, frames) and the same in ascending order → (contours, 6)."""
    size = np.maximum(count, 1)
    padding = x.shape[1] - count
    levels = [(np.float32(level) * (high - low) + low)[:, None] for level in LEVELS]
    above = [(np.count_nonzero(ranked > level, axis=1) - padding) / size for level in levels]
    step = np.diff(x, axis=1)
    rise = np.count_nonzero((step > 0) & real(x, count, 1), axis=1) / np.maximum(count - 1, 1)
    bend = (step[:, 1:] > step[:, :-1]) & real(x, count, 2)
    return np.stack([*above, rise, np.count_nonzero(bend, axis=1) / np.maximum(count - 2, 1)], 1)


def segments(x: Floats, count: Ints, low: Floats, high: Floats) -> Doubles:
    """(contours, frames) → (contours, 4), seconds."""
    out = np.zeros((len(x), 4))
    _cut(x, count, low, high - low, out)
    return out * FRAME_PERIOD_S


@compiled
def _cut(x: Floats, count: Ints, low: Floats, spread: Floats, out: Doubles) -> None:
    """Mean, longest, shortest and standard deviation of each contour's segment lengths in frames."""
    for c in range(x.shape[0]):
        least = max(2, count[c] // MAX_SEGMENTS - 1)
        lower = low[c] + np.float32(0.25) * spread[c]
        upper = low[c] + np.float32(0.75) * spread[c]
        last = -(least // 2)
        number = 0
        total = squares = 0.0
        running = before = np.float32(0)
        for t in range(count[c]):
            running += x[c, t]
            if t >= 3:
                running -= x[c, t - 3]
            level = running / np.float32(min(t + 1, 3))
            crossed = (level > lower and before <= lower) or (level < lower and before >= lower)
            crossed = crossed or (level > upper and before <= upper) or (level < upper and before >= upper)
            before = level
            if crossed and t - last > least and number < MAX_SEGMENTS:
                length = t - last
                last = t
                number += 1
                total += length
                squares += length * length
                out[c, 1] = max(out[c, 1], length)
                out[c, 2] = length if number == 1 else min(out[c, 2], length)
        if number > 0:
            out[c, 0] = total / number
            out[c, 3] = max(squares / number - out[c, 0] * out[c, 0], 0.0) ** 0.5


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

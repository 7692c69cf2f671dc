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
THRESHOLDS = (0.25, 0.75)
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
    running = x.copy()
    running[:, 1] = (x[:, 0] + x[:, 1]) / 2
    running[:, 2:] = (x[:, :-2] + x[:, 1:-1] + x[:, 2:]) / np.float32(3)
    crossed = np.zeros(x.shape, np.bool_)
    for share in THRESHOLDS:
        level = (low + np.float32(share) * (high - low))[:, None]
        over, reached = running > level, running >= level
        crossed[:, 1:] |= (over[:, 1:] & ~over[:, :-1]) | (reached[:, :-1] & ~reached[:, 1:])
        crossed[:, 0] |= (over[:, 0] & (level[:, 0] >= 0)) | (~reached[:, 0] & (level[:, 0] <= 0))
    contour, frame = np.nonzero(crossed & real(x, count))
    length = np.zeros(len(frame), np.int64)
    _space(contour, frame, np.maximum(2, count // MAX_SEGMENTS - 1), length)
    return _summary(contour[length > 0], length[length > 0] * FRAME_PERIOD_S, len(x))


@compiled
def _space(contour: Ints, frame: Ints, least: Ints, length: Ints) -> None:
    """The length of the segment that each crossing ends, 0 where it comes too early to end one."""
    last = number = 0
    for i in range(contour.size):
        c = contour[i]
        if i == 0 or c != contour[i - 1]:
            last = -(least[c] // 2)
            number = 0
        if frame[i] - last > least[c] and number < MAX_SEGMENTS:
            length[i] = frame[i] - last
            last = frame[i]
            number += 1


def _summary(owner: Ints, length: Doubles, contours: int) -> Doubles:
    """Mean, longest, shortest and standard deviation of each contour's lengths; zeros where it has none."""
    number = np.bincount(owner, minlength=contours)
    mean = np.bincount(owner, length, contours) / np.maximum(number, 1)
    spread = np.sqrt(np.bincount(owner, (length - mean[owner]) ** 2, contours) / np.maximum(number, 1))
    longest, shortest = np.zeros((2, contours))
    some = np.flatnonzero(number)
    if some.size:
        first = np.append(0, np.cumsum(number[some])[:-1])
        longest[some], shortest[some] = np.maximum.reduceat(length, first), np.minimum.reduceat(length, first)
    return np.stack([mean, longest, shortest, spread], 1)


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

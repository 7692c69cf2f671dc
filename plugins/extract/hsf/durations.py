"""Functionals that count frames: time above levels, rise time, curvature time, and segments.

With R the contour's range and N its frames:

* up-level time 25, 50, 75, 90: share of frames above min + 25 … 90 % of R;
* rise time: share of steps that go up; left-curvature time: share of inner frames where the slope grows;
* segments: a new one begins where the mean of the last three frames crosses min + 25 % or 75 % of R,
  at least max(2, ⌊N / 100⌋ - 1) frames after the last; mean, longest, shortest and standard deviation of
  their lengths in seconds. What follows the last crossing is no segment.
* voiced segments: runs of non-zero frames, at least three long, ended by two zeros.

Reference: Eyben 2016, section 2.3.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .frames import FRAME_PERIOD_S, Doubles, Ints

LEVELS = (0.25, 0.5, 0.75, 0.9)
THRESHOLDS = (0.25, 0.75)
MAX_SEGMENTS = 100
VOICED_RUN, PAUSE_RUN = 3, 2


def times(x: Floats) -> Doubles:
    """(contours, frames) → (contours, 6)."""
    frames = x.shape[1]
    low = x.min(axis=1)
    spread = x.max(axis=1) - low
    above = [(x > (np.float32(level) * spread + low)[:, None]).mean(axis=1) for level in LEVELS]
    step = np.diff(x, axis=1)
    rise = (step > 0).sum(axis=1) / max(frames - 1, 1)
    left = (step[:, 1:] > step[:, :-1]).sum(axis=1) / max(frames - 2, 1)
    return np.stack([*above, rise, left], 1)


def segments(x: Floats) -> Doubles:
    """(contours, frames) → (contours, 4), seconds."""
    contours, frames = x.shape
    least = max(2, frames // MAX_SEGMENTS - 1)
    running = np.cumsum(x, axis=1, dtype=np.float64)
    running[:, 3:] -= running[:, :-3].copy()
    running /= np.minimum(np.arange(frames) + 1, 3)
    before = np.concatenate([np.zeros((contours, 1)), running[:, :-1]], 1)
    low = x.min(axis=1, keepdims=True).astype(np.float64)
    spread = x.max(axis=1, keepdims=True) - low
    crossed = np.zeros(x.shape, np.bool_)
    for threshold in THRESHOLDS:
        level = low + threshold * spread
        crossed |= (running > level) & (before <= level) | (running < level) & (before >= level)
    lengths = [_greedy(np.flatnonzero(row), least) for row in crossed]
    return np.stack([_summary(length) for length in lengths])


def _greedy(borders: Ints, least: int) -> list[int]:
    last = -(least // 2)
    lengths = []
    for border in borders.tolist():
        if border - last > least:
            lengths.append(border - last)
            last = border
    return lengths[:MAX_SEGMENTS]


def voiced_segments(contour: Floats) -> Doubles:
    """(frames,) → mean, longest, shortest and standard deviation of voiced segments, (4,), seconds.

    A segment's length runs from its first to its last frame, so it is one frame short of their number.
    """
    voiced = np.flatnonzero(contour)
    if not voiced.size:
        return np.zeros(4)
    breaks = np.flatnonzero(np.diff(voiced) > PAUSE_RUN)
    first = voiced[np.concatenate([[0], breaks + 1])]
    last = voiced[np.concatenate([breaks, [voiced.size - 1]])]
    count = np.diff(np.concatenate([[0], breaks + 1, [voiced.size]]))
    return _summary((last - first)[count >= VOICED_RUN].tolist())


def _summary(lengths: list[int]) -> Doubles:
    if not lengths:
        return np.zeros(4)
    seconds = np.array(lengths) * FRAME_PERIOD_S
    return np.array([seconds.mean(), seconds.max(), seconds.min(), seconds.std()])

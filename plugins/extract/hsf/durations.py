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
from stimmung.engine.types import Bools, Floats

from .compiled import compiled
from .frames import FRAME_PERIOD_S, Doubles, Ints

LEVELS = (0.25, 0.5, 0.75, 0.9)
MAX_SEGMENTS = 100
VOICED_RUN, PAUSE_RUN = 3, 2


def durations(x: Floats, count: Ints, low: Floats, high: Floats) -> tuple[Doubles, Doubles]:
    """(contours, frames) → segments in seconds, (contours, 4), and times, (contours, 6)."""
    levels = np.outer(high - low, LEVELS).astype(np.float32) + low[:, None]
    found = np.zeros((len(x), 10))
    _scan(x, count, levels, np.empty(x.shape[1], np.float32), np.empty(x.shape[1], np.bool_), found)
    seconds = found[:, :4] * FRAME_PERIOD_S
    shares = found[:, 4:] / np.maximum(count[:, None] - np.array([0, 0, 0, 0, 1, 2]), 1)
    return seconds, shares


@compiled("float32[:,:] int64[:] float32[:,:] float32[:] bool[:] float64[:,:]")
def _scan(x: Floats, count: Ints, levels: Floats, mean: Floats, crossed: Bools, found: Doubles) -> None:
    """Segments in frames (mean, longest, shortest, deviation), frames above levels, rises, left bends.

    ``mean`` and ``crossed``, one value a frame, are scratch.
    """
    for c in range(count.size):
        frames = count[c]
        here, level, out = x[c], levels[c], found[c]
        quarter, half, most, top = level[0], level[1], level[2], level[3]
        above1 = above2 = above3 = above4 = rises = bends = np.int32(0)
        for t in range(frames):
            above1 += np.int32(here[t] > quarter)
            above2 += np.int32(here[t] > half)
            above3 += np.int32(here[t] > most)
            above4 += np.int32(here[t] > top)
        out[4], out[5], out[6], out[7] = above1, above2, above3, above4
        if frames < 2:
            continue
        after, second = here[1:], here[2:]
        later_mean, next_mean = mean[2:], mean[1:]
        for t in range(frames - 2):
            step = second[t] - after[t]
            rises += np.int32(step > 0)
            bends += np.int32(step > after[t] - here[t])
            later_mean[t] = (second[t] + after[t] + here[t]) / np.float32(3)
        out[8], out[9] = rises + np.int32(after[0] > here[0]), bends
        mean[0], mean[1] = here[0], (after[0] + here[0]) / np.float32(2)
        for t in range(frames - 1):
            before, now = mean[t], next_mean[t]
            up = ((now > quarter) & (before <= quarter)) | ((now > most) & (before <= most))
            down = ((now < quarter) & (before >= quarter)) | ((now < most) & (before >= most))
            crossed[t] = up | down
        least = frames // MAX_SEGMENTS - 1
        if least < 2:
            least = 2
        last = -(least // 2)
        number = longest = shortest = 0
        total = squares = 0.0
        for t in range(frames - 1):
            length = t + 1 - last
            if crossed[t] and length > least and number < MAX_SEGMENTS:
                last = t + 1
                number += 1
                total += length
                squares += length * length
                if length > longest:
                    longest = length
                if number == 1 or length < shortest:
                    shortest = length
        if number > 0:
            average = total / number
            out[0], out[1], out[2] = average, longest, shortest
            out[3] = np.sqrt(abs(squares / number - average * average))


def voiced_segments(contour: Floats) -> Doubles:
    """(frames,) → mean, longest, shortest and standard deviation of voiced segments, (4,), seconds.

    A segment's length runs from its first to its last frame, so it is one frame short of their number.
    """
    found = np.zeros(4)
    _voiced_segments(contour, found)
    return found * FRAME_PERIOD_S


@compiled("float32[:] float64[:]")
def _voiced_segments(contour: Floats, found: Doubles) -> None:
    """The four in frames."""
    number = longest = shortest = first = last = voiced = 0
    total = squares = 0.0
    for t in range(contour.size + PAUSE_RUN + 1):
        if t < contour.size and contour[t] != 0:
            if voiced == 0:
                first = t
            last = t
            voiced += 1
        elif voiced > 0 and t - last >= PAUSE_RUN:
            if voiced >= VOICED_RUN:
                length = last - first
                number += 1
                total += length
                squares += length * length
                longest = length if length > longest else longest
                shortest = length if number == 1 or length < shortest else shortest
            voiced = 0
    if number > 0:
        mean = total / number
        found[0], found[1], found[2] = mean, longest, shortest
        found[3] = np.sqrt(abs(squares / number - mean * mean))

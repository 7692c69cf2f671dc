"""From raw descriptors to the smoothed contours and their deltas, along a segment's own frames.

* Smoothing: the mean of a frame and its two neighbours. Pitch and voice quality, which are zero where
  there is no voice, average over the non-zero ones of the three and stay zero.
* Delta: the regression slope over ±2 frames, Σ i (x_{t+i} - x_{t-i}) / 10 per frame.

Beyond its ends a contour is continued by its last value, and each step yields as many frames more than it
got as its window reaches ahead, as published: T frames give T + 1 smoothed and T + 3 delta frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from stimmung.engine.types import Floats

from .compiled import compiled
from .frames import Ints

TWO, THREE, TEN = np.float32(2), np.float32(3), np.float32(10)


@dataclass(frozen=True, slots=True)
class Contours:
    """A segment of ``rows`` rows: its contours, in the order of the names, smoothed, and their deltas.

    ``plain``, (2 × 59, rows + 2): energy and spectral contours, then their deltas.
    ``voiced``, (6, rows + 1): those that are zero where there is no voice.
    ``dense``, (2 × 6, rows): the same and their deltas over the first rows - 2 frames, zeros left out;
    ``count``, (12,), is how many values that leaves.
    """

    rows: int
    plain: Floats
    voiced: Floats
    dense: Floats
    count: Ints


def smooth_with_delta(contours: Floats) -> Floats:
    """(channels, T) → (2 channels, T - 2): smoothed, and their deltas; T at least 3."""
    channels, frames = contours.shape
    out = np.empty((2 * channels, frames - 2), np.float32)
    _smooth_with_delta(contours, np.empty(frames + 7, np.float32), out)
    return out


@compiled("float32[:,:] float32[:] float32[:,:]")
def _smooth_with_delta(x: Floats, smooth: Floats, out: Floats) -> None:
    """``smooth`` is scratch: frame t stands at t + 2, with two copies of the first frame before it."""
    for c in range(len(x)):
        here, level, change = x[c], out[c], out[len(x) + c]
        frames = here.size
        second, third, inner = here[1:], here[2:], smooth[3:]
        for t in range(frames - 2):
            inner[t] = (second[t] + here[t] + third[t]) / THREE
        first, last = here[0], here[frames - 1]
        smooth[2] = (first + first + here[1]) / THREE
        smooth[frames + 1] = (last + here[frames - 2] + last) / THREE
        smooth[frames + 2] = (last + last + last) / THREE
        smooth[0] = smooth[2]
        smooth[1] = smooth[2]
        one, two, three, four = smooth[1:], smooth[2:], smooth[3:], smooth[4:]
        for t in range(change.size):
            level[t] = two[t]
            change[t] = ((four[t] - smooth[t]) * TWO + (three[t] - one[t])) / TEN


def smooth_voiced(contours: Floats) -> tuple[Floats, Floats, Ints]:
    """The same for contours that are zero where there is no voice, (6, T): see :class:`Contours`.

    A delta is the slope over the pairs of which neither value is zero. As published, its divisor is not 10
    but grows by i² with every such pair met so far, in any channel, so these deltas fade with time: the
    longer the segment, the smaller they end.
    """
    channels, frames = contours.shape
    smooth = np.empty((channels, frames + 1), np.float32)
    dense = np.zeros((2 * channels, frames), np.float32)
    count = np.zeros(2 * channels, np.int64)
    _smooth_voiced(contours, max(frames - 2, 1), smooth, dense, count)
    return smooth, dense, count


@compiled("float32[:,:] int64 float32[:,:] float32[:,:] int64[:]")
def _smooth_voiced(x: Floats, kept: int, smooth: Floats, dense: Floats, count: Ints) -> None:
    channels = len(x)
    for c in range(channels):
        here = x[c]
        last = here.size - 1
        for t in range(last + 2):
            y = here[t if t < last else last]
            before, after = here[t - 1 if t > 0 else 0], here[t + 1 if t < last else last]
            present = 1 + (before != 0) + (after != 0)
            smooth[c, t] = (y + before + after) / np.float32(present) if y != 0 else np.float32(0)
            if y != 0 and t < kept:
                dense[c, count[c]] = smooth[c, t]
                count[c] += 1
    weight = 10.0
    for t in range(kept):
        for c in range(channels):
            here = smooth[c]
            last = here.size - 1
            before, after = here[t - 1 if t > 0 else 0], here[t + 1 if t + 1 < last else last]
            rise = np.float32(0)
            if before != 0 and after != 0:
                rise += after - before
                weight += 1
            before, after = here[t - 2 if t > 1 else 0], here[t + 2 if t + 2 < last else last]
            if before != 0 and after != 0:
                rise += TWO * (after - before)
                weight += 4
            slope = np.float32(rise / weight)
            if slope != 0:
                dense[channels + c, count[channels + c]] = slope
                count[channels + c] += 1

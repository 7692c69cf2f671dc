"""From raw descriptors to the smoothed contours and their deltas, along a segment's own frames.

* Smoothing: the mean of a frame and its two neighbours. Pitch and voice quality, which are zero where
  there is no voice, average over the non-zero ones of the three and stay zero.
* Delta: the regression slope over ±2 frames, Σ i (x_{t+i} - x_{t-i}) / 10 per frame.

Beyond its ends a contour is continued by its last value, and each step of window half-width w yields w
frames more than it got, as the published feature set does: T frames give T + 1 smoothed and T + 3 delta frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from stimmung.engine.types import Floats


@dataclass(frozen=True, slots=True)
class Contours:
    """What a segment of ``rows`` rows is reduced from: (frames, channels) each, smoothed, and their deltas."""

    rows: int
    voiced: Floats
    energy: Floats
    spectral: Floats
    voiced_delta: Floats
    energy_delta: Floats
    spectral_delta: Floats


def padded(contours: Floats, before: int, after: int) -> Floats:
    """Continue (frames, channels) by its first and last row."""
    return np.concatenate([contours[:1]] * before + [contours] + [contours[-1:]] * after)


def smooth(contours: Floats) -> Floats:
    """(T, channels) → (T + 1, channels)."""
    x = padded(contours, 1, 2)
    return (x[1:-1] + x[:-2] + x[2:]) / np.float32(3)


def smooth_voiced(contours: Floats) -> Floats:
    """The same among non-zero values only; zero stays zero."""
    x = padded(contours, 1, 2)
    here = x != 0
    count = here[:-2].astype(np.float32) + here[1:-1] + here[2:]
    total = x[1:-1] + x[:-2] + x[2:]
    return np.where(here[1:-1], total / np.maximum(count, 1), 0).astype(np.float32)


def delta(contours: Floats) -> Floats:
    """(T, channels) → (T + 2, channels)."""
    x = padded(contours, 2, 4)
    return (x[3:-1] - x[1:-3] + 2 * (x[4:] - x[:-4])) / np.float32(10)


def delta_voiced(contours: Floats) -> Floats:
    """Slope over the pairs of which neither value is zero; (T, channels) → (T + 2, channels).

    As published, the divisor is not 10 but grows by i² with every such pair met so far, in any channel, so
    these deltas fade with time: the longer the segment, the smaller they end.
    """
    x = padded(contours, 2, 4)
    valid = x != 0
    near = (valid[3:-1] & valid[1:-3]).astype(np.float32)
    far = (valid[4:] & valid[:-4]).astype(np.float32)
    rise = near * (x[3:-1] - x[1:-3]) + 2 * far * (x[4:] - x[:-4])
    weight = 10 + np.cumsum((near + 4 * far).reshape(-1), dtype=np.float64).reshape(rise.shape)
    return (rise / weight).astype(np.float32)

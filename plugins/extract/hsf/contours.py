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


@dataclass(frozen=True, slots=True)
class Contours:
    """A segment of ``rows`` rows, (channels, frames): its contours, smoothed, and their deltas."""

    rows: int
    voiced: Floats
    energy: Floats
    spectral: Floats
    voiced_delta: Floats
    energy_delta: Floats
    spectral_delta: Floats


def padded(contours: Floats, before: int, after: int) -> Floats:
    """Continue (channels, frames) by its first and last value."""
    channels, frames = contours.shape
    out = np.empty((channels, before + frames + after), np.float32)
    out[:, :before] = contours[:, :1]
    out[:, before : before + frames] = contours
    out[:, before + frames :] = contours[:, -1:]
    return out


def smooth(contours: Floats) -> Floats:
    """(channels, T) → (channels, T + 1)."""
    x = padded(contours, 1, 2)
    total = x[:, 1:-1] + x[:, :-2]
    total += x[:, 2:]
    total /= np.float32(3)
    return total


def smooth_voiced(contours: Floats) -> Floats:
    """The same among non-zero values only; zero stays zero."""
    x = padded(contours, 1, 2)
    here = x != 0
    count = here[:, :-2].astype(np.float32) + here[:, 1:-1] + here[:, 2:]
    total = x[:, 1:-1] + x[:, :-2] + x[:, 2:]
    return np.where(here[:, 1:-1], total / np.maximum(count, 1), 0).astype(np.float32)


def delta(contours: Floats) -> Floats:
    """(channels, T) → (channels, T + 2)."""
    x = padded(contours, 2, 4)
    slope = x[:, 4:] - x[:, :-4]
    slope *= 2
    slope += x[:, 3:-1] - x[:, 1:-3]
    slope /= np.float32(10)
    return slope


def delta_voiced(contours: Floats) -> Floats:
    """Slope over the pairs of which neither value is zero; (channels, T) → (channels, T + 2).

    As published, the divisor is not 10 but grows by i² with every such pair met so far, in any channel,
    so these deltas fade with time: the longer the segment, the smaller they end.
    """
    x = padded(contours, 2, 4)
    valid = x != 0
    near = (valid[:, 3:-1] & valid[:, 1:-3]).astype(np.float32)
    far = (valid[:, 4:] & valid[:, :-4]).astype(np.float32)
    rise = near * (x[:, 3:-1] - x[:, 1:-3]) + 2 * far * (x[:, 4:] - x[:, :-4])
    met = near + 4 * far
    weight = 10 + np.cumsum(met.T.reshape(-1), dtype=np.float64).reshape(met.T.shape).T
    slope: Floats = (rise / weight).astype(np.float32)
    return slope

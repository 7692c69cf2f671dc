"""6373 functionals of one segment's contours: which functional of which contour, in the published order.

Four groups of contours: energy (4), spectral (55), voiced (6) and F0 by itself, each smoothed and as
deltas. The published set takes each group of functionals over the frames its contours had when the input
ended, so lengths differ by a few frames: with T rows, T - 2 for energy and voiced contours, T + 2 for
spectral ones, T and T - 2 for the further functionals of contours and of deltas. Contours of the voiced
group are reduced to their non-zero frames first.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from . import durations, peaks, prediction, regression, statistics
from .contours import Contours
from .frames import FRAME_PERIOD_S, Doubles, Ints


def functionals(contours: Contours) -> Doubles:
    """(6373,)."""
    rows, fewer = contours.rows, max(contours.rows - 2, 1)
    voiced = [c[c != 0] for c in (*contours.voiced[:, :fewer], *contours.voiced_delta[:, :fewer])]
    energy = [contours.energy[:, :fewer], contours.energy_delta[:, :fewer]]
    spectral = [contours.spectral[:, : rows + 2], contours.spectral_delta[:, : rows + 2]]
    level = [contours.energy[:, :rows], contours.spectral[:, :rows]]
    change = [contours.energy_delta[:, :fewer], contours.spectral_delta[:, :fewer]]
    shape, segments = _shape([*energy, *spectral], voiced)
    means, turns, trend = _course([*level, *change], voiced)
    plain, few = len(segments), len(segments) // 2
    blocks = [
        np.concatenate([shape[:plain, :15], segments, shape[:plain, 15:]], 1),
        np.concatenate([means[plain:], shape[plain:, :3], trend[few:], shape[plain:, 3:]], 1),
        _pitch_presence(contours.voiced[0, :rows]),
        np.concatenate([means[:few, [0, 1, 3]], turns[:few], trend[:few]], 1),
        np.concatenate([means[few:plain, 1:], turns[few:]], 1),
    ]
    return np.concatenate([block.reshape(-1) for block in blocks])


def _padded(blocks: list[Floats], single: list[Floats]) -> tuple[Floats, Ints]:
    """Contours of different lengths as one matrix with zeros behind them, and their lengths."""
    widths = [block.shape[1] for block in blocks]
    count = np.repeat([*widths, *map(len, single)], [*map(len, blocks), *(1 for _ in single)])
    x = np.zeros((count.size, max(*widths, 3)), np.float32)
    row = 0
    for block in blocks:
        x[row : row + len(block), : block.shape[1]] = block
        row += len(block)
    for contour in single:
        x[row, : contour.size] = contour
        row += 1
    return x, count


def _shape(blocks: list[Floats], voiced: list[Floats]) -> tuple[Doubles, Doubles]:
    """Extremes, percentiles, moments, times, prediction, (contours, 27); and segments of the blocks."""
    x, count = _padded(blocks, voiced)
    ranked = statistics.ordered(x, count)
    low, high = statistics.bounds(ranked, count)
    segments, times = durations.durations(x, count, low, high)
    parts = [
        statistics.extremes(x, count, low, high),
        statistics.percentiles(ranked, count),
        statistics.moments(x, count),
        times,
        prediction.linear_prediction(x, count),
    ]
    return np.concatenate(parts, 1), segments[: len(x) - len(voiced)]


def _course(blocks: list[Floats], voiced: list[Floats]) -> tuple[Doubles, Doubles, Doubles]:
    """Means of all, peaks of the blocks, regression of their first half and, per frame, of voiced ones."""
    x, count = _padded(blocks, voiced)
    plain = len(x) - len(voiced)
    low = np.concatenate([*(block.min(axis=1) for block in blocks), [c.min(initial=np.inf) for c in voiced]])
    high = np.concatenate(
        [*(block.max(axis=1) for block in blocks), [c.max(initial=-np.inf) for c in voiced]]
    )
    low[count == 0] = high[count == 0] = 0
    means = statistics.means(x, count)
    turns = peaks.peaks(x[:plain], count[:plain], low[:plain], high[:plain], means[:plain, 0])
    fitted = np.r_[: plain // 2, plain : len(x)]
    rate = np.where(fitted < plain, 1 / FRAME_PERIOD_S, 1.0)
    trend = regression.regression(x[fitted], count[fitted], low[fitted], high[fitted], rate)
    return means, turns, trend


def _pitch_presence(f0: Floats) -> Doubles:
    """The share of voiced frames and the lengths of voiced segments, (5,)."""
    return np.append(np.count_nonzero(f0) / f0.size, durations.voiced_segments(f0))

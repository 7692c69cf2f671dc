"""The CRNN of Joint Representation (Luo et al. 2018), section 3.1: convolutions over segments, then an LSTM.

Plain arrays in, plain arrays out: the layers are too small for a framework to be worth its start-up time.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from scipy.special import expit
from stimmung.engine.types import Floats

CONTEXT = 5  # frames that a filter of the first convolution spans
POOL, STRIDE = 3, 2


class Segments(msgspec.Struct, frozen=True):
    """How spectra are cut: segments of ``frames`` every ``hop`` frames."""

    frames: int
    hop: int


class Crnn:
    """Spectra → max ‖ mean ‖ min of an LSTM's outputs over their segments.

    The first convolution spans all bands, so it slides in time alone and may run over a whole stream before
    segments are cut. ``weights`` are named as PyTorch names them; raises KeyError or ValueError when they do
    not fit.
    """

    def __init__(self, segments: Segments, weights: Mapping[str, Floats], prefix: str = "") -> None:
        self.segments = segments
        self._mean, self._scale = weights[f"{prefix}mean"], weights[f"{prefix}scale"]
        self._first = _filters(weights, f"{prefix}first")
        self._second = _filters(weights, f"{prefix}second")
        self._lstm = Lstm(weights, f"{prefix}recurrent.lstm.")
        self.filters = len(self._first[1])
        self.width = len(self._second[1]) * pooled(pooled(segments.frames - CONTEXT + 1) - 2)
        self.dim = 3 * self._lstm.units
        if self._lstm.width != self.width:
            raise ValueError(f"an LSTM over {self._lstm.width} numbers for segments of {self.width}")

    def rows(self, spectra: Floats) -> Floats:
        """(frames, bands) → the first convolution, (frames - 4, filters)."""
        return convolve((spectra - self._mean) / self._scale, CONTEXT, *self._first)

    def features(self, rows: Floats) -> Floats:
        """(n, filters) of the first convolution → (segments, width), one segment at least.

        What too short a stretch lacks of its only segment is silent.
        """
        length = self.segments.frames - CONTEXT + 1
        if len(rows) < length:
            rows = np.pad(rows, ((0, length - len(rows)), (0, 0)))
        cut = np.lib.stride_tricks.sliding_window_view(rows, length, axis=0)[:: self.segments.hop]
        return np.stack([self._segment(segment.T) for segment in cut])

    def summary(self, features: Floats) -> Floats:
        """(segments, width) → (dim,); equations 1 to 3."""
        outputs = self._lstm(features)
        return np.concatenate([outputs.max(axis=0), outputs.mean(axis=0), outputs.min(axis=0)])

    def _segment(self, rows: Floats) -> Floats:
        # Channel by channel, as the weights of the LSTM count them.
        return pool(convolve(pool(rows), 3, *self._second)).T.ravel()


class Lstm:
    """A long short-term memory of one layer, run from rest. Gers et al. 2000, section 3."""

    def __init__(self, weights: Mapping[str, Floats], prefix: str) -> None:
        self._given = np.ascontiguousarray(weights[f"{prefix}weight_ih_l0"].T)
        self._kept = weights[f"{prefix}weight_hh_l0"]
        self._bias = weights[f"{prefix}bias_ih_l0"] + weights[f"{prefix}bias_hh_l0"]
        self.width, self.units = self._given.shape[0], self._kept.shape[1]

    def __call__(self, rows: Floats) -> Floats:
        """(n, width) → its output after each row, (n, units)."""
        given = rows @ self._given + self._bias
        output = cell = np.zeros(self.units, np.float32)
        outputs = np.empty((len(rows), self.units), np.float32)
        for step, now in enumerate(given):
            enter, keep, new, leave = (now + self._kept @ output).reshape(4, self.units)
            cell = expit(keep) * cell + expit(enter) * np.tanh(new)
            outputs[step] = output = expit(leave) * np.tanh(cell)
        return outputs


def convolve(rows: Floats, length: int, filters: Floats, bias: Floats) -> Floats:
    """Valid convolution in time and ReLU: (n, in) → (n - length + 1, out)."""
    if len(rows) < length:
        return np.empty((0, len(bias)), np.float32)
    seen = np.lib.stride_tricks.sliding_window_view(rows, length, axis=0)
    responses: Floats = np.maximum(seen.reshape(len(seen), -1) @ filters + bias, 0)
    return responses


def pool(rows: Floats) -> Floats:
    """The largest of every three rows, every second row: (n, channels) → ((n - 3) // 2 + 1, channels)."""
    stop = STRIDE * (pooled(len(rows)) - 1) + 1
    both = np.maximum(rows[:stop:STRIDE], rows[1 : stop + 1 : STRIDE])
    return np.maximum(both, rows[2 : stop + 2 : STRIDE])


def pooled(length: int) -> int:
    """How many rows are left of ``length``."""
    return (length - POOL) // STRIDE + 1


def _filters(weights: Mapping[str, Floats], name: str) -> tuple[Floats, Floats]:
    """(in · length, out) and (out,) of a convolution in time."""
    filters = weights[f"{name}.weight"]
    return np.ascontiguousarray(filters.reshape(len(filters), -1).T), weights[f"{name}.bias"]

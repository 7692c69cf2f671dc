"""End-to-end features: filters on the raw waveform in place of log-mel spectra, then the same CRNN.

The baseline of Joint Representation's table 2 (Luo et al. 2018) is the end-to-end network of the ComParE 2018
challenge (Schuller et al. 2018; Tzirakis et al. 2018): convolutions over raw samples and an LSTM, nothing
given by hand. Here 40 filters of 5 ms every 2.5 ms, rectified, their largest response in every 10 ms, and
its logarithm; segments, convolutions and LSTM as in ``crnn``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from stimmung.engine.models.cards import open_model
from stimmung.engine.models.weights import misfit, read_weights
from stimmung.engine.plugin import FrameExtractor, hookimpl
from stimmung.engine.types import Floats

from .crnn.network import Crnn, Segments

NAME = "e2e_cnn_lstm"
FILE = "e2e_cnn_lstm.safetensors"
LENGTH, STRIDE, POOLED = 80, 40, 4  # samples a filter spans, samples between responses, responses a frame
FRAME = STRIDE * POOLED
SUPPORT = FRAME - STRIDE + LENGTH  # samples a frame sees
STEEP = 1000.0  # of the logarithm: responses from a thousandth of full scale on are told apart


class EndToEnd:
    """Raw speech → a row every 200 ms → 384 features; ``model`` is trained with ``stimmung train``."""

    api = 1
    name = NAME

    def __init__(self, model: str) -> None:
        path, card = open_model(model, NAME, FILE)
        segments, weights = read_weights(path, Segments)
        try:
            self._filters, self._bias = (
                weights["filters.weight"].reshape(-1, LENGTH).T,
                weights["filters.bias"],
            )
            self._network = Crnn(segments, weights)
        except (KeyError, ValueError) as error:
            raise misfit(path, error) from error
        self.version = f"1+{card.files[FILE][:12]}"
        self.rate, self.dim, self.channels = card.rate, self._network.dim, self._network.width
        self.hop = segments.hop * FRAME
        self.support = (segments.frames - 1) * FRAME + SUPPORT

    def describe(self, samples: Floats) -> Floats:
        """(n,) → the convolutions of every whole segment, (rows, 120)."""
        if len(samples) < self.support:
            return np.empty((0, self.channels), np.float32)
        seen = np.lib.stride_tricks.sliding_window_view(samples, LENGTH)[::STRIDE]
        responses = np.maximum(seen @ self._filters + self._bias, 0)
        frames = responses[: len(responses) // POOLED * POOLED].reshape(-1, POOLED, len(self._bias))
        return self._network.features(self._network.rows(np.log1p(STEEP * frames.max(axis=1))))

    def summarise(self, rows: Sequence[Floats]) -> Floats:
        """LSTM over each window's segments, max ‖ mean ‖ min of its outputs: (windows, 384)."""
        return np.stack([self._network.summary(one) for one in rows])


@hookimpl
def stimmung_extractor() -> type[FrameExtractor]:
    """The extractor of this plugin."""
    return EndToEnd

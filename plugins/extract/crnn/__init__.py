"""CRNN features: log-mel spectra, convolutions over segments of 315 ms, an LSTM, its max ‖ mean ‖ min.

Joint Representation (Luo et al. 2018), section 3.1. Convolutions see one segment and nothing else, so they
run once over a stream; the LSTM begins anew in every window, so that a window equals the same samples alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from stimmung.engine.models.cards import open_model
from stimmung.engine.models.weights import misfit, read_weights
from stimmung.engine.plugin import FrameExtractor, hookimpl
from stimmung.engine.types import Floats

from .log_mel import HOP, LENGTH, log_mel
from .network import Crnn as Network
from .network import Segments

NAME = "crnn"
FILE = "crnn.safetensors"
SEGMENTS = Segments(frames=30, hop=20)


class Crnn:
    """Speech → a row every 200 ms → 384 features a window; ``model`` is trained with ``stimmung train``.

    The version ends in the weights' checksum: a classifier runs on the very weights it was trained with.
    """

    api = 1
    name = NAME
    example: ClassVar = {"model": "emotion_hsf_crnn_crnn"}

    def __init__(self, model: str) -> None:
        path, card = open_model(model, NAME, FILE)
        segments, weights = read_weights(path, Segments)
        try:
            self._network = Network(segments, weights)
        except (KeyError, ValueError) as error:
            raise misfit(path, error) from error
        self.version = f"1+{card.files[FILE][:12]}"
        self.rate, self.dim, self.channels = card.rate, self._network.dim, self._network.width
        self.hop = segments.hop * HOP
        self.support = (segments.frames - 1) * HOP + LENGTH

    def describe(self, samples: Floats) -> Floats:
        """(n,) → the convolutions of every whole segment, (rows, 120)."""
        if len(samples) < self.support:
            return np.empty((0, self.channels), np.float32)
        return self._network.features(self._network.rows(log_mel(samples)))

    def summarise(self, rows: Sequence[Floats]) -> Floats:
        """LSTM over each window's segments, max ‖ mean ‖ min of its outputs: (windows, 384)."""
        return np.stack([self._network.summary(one) for one in rows])


@hookimpl
def stimmung_extractor() -> type[FrameExtractor]:
    """The extractor of this plugin."""
    return Crnn

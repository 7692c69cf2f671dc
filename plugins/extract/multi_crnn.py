"""Multi-CRNN features: two CRNNs over the same speech, with segments of 315 and of 515 ms.

Joint Representation (Luo et al. 2018), section 3.3: the shorter scale passes two more layers before it meets
the longer. The scales share no grid of segments, so what is computed once a stream is their first
convolution, a row every 10 ms, and segments are cut in each window from its start.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.special import expit
from stimmung.engine.models.cards import open_model
from stimmung.engine.models.weights import misfit, read_weights
from stimmung.engine.plugin import FrameExtractor, hookimpl
from stimmung.engine.types import Floats

from .crnn.log_mel import HOP, LENGTH, log_mel
from .crnn.network import CONTEXT, Crnn, Segments

NAME = "multi_crnn"
FILE = "multi_crnn.safetensors"


class Scales(msgspec.Struct, frozen=True):
    """The segments of both scales, and the sizes of the layers that only the shorter passes."""

    short: Segments = Segments(frames=30, hop=20)
    long: Segments = Segments(frames=50, hop=25)
    layers: tuple[int, ...] = (128, 128)


class MultiCrnn:
    """Speech → a row every 10 ms → 512 features a window; ``model`` is trained with ``stimmung train``."""

    api = 1
    name = NAME

    def __init__(self, model: str) -> None:
        path, card = open_model(model, NAME, FILE)
        scales, weights = read_weights(path, Scales)
        try:
            self._short = Crnn(scales.short, weights, "short.")
            self._long = Crnn(scales.long, weights, "long.")
            self._layers = [
                (weights[f"layers.{k}.weight"], weights[f"layers.{k}.bias"])
                for k in range(len(scales.layers))
            ]
        except (KeyError, ValueError) as error:
            raise misfit(path, error) from error
        self.version = f"1+{card.files[FILE][:12]}"
        self.rate = card.rate
        self.dim = (scales.layers[-1] if scales.layers else self._short.dim) + self._long.dim
        self.channels = self._short.filters + self._long.filters
        self.hop, self.support = HOP, (CONTEXT - 1) * HOP + LENGTH

    def describe(self, samples: Floats) -> Floats:
        """(n,) → the first convolution of both scales, (rows, 60)."""
        spectra = log_mel(samples)
        return np.concatenate([self._short.rows(spectra), self._long.rows(spectra)], axis=1)

    def summarise(self, rows: Sequence[Floats]) -> Floats:
        """Both scales of each window, the shorter after its layers: (windows, 512)."""
        return np.stack([self._joined(one) for one in rows])

    def _joined(self, rows: Floats) -> Floats:
        short, long = np.split(rows, [self._short.filters], axis=1)
        vector = self._short.summary(self._short.features(short))
        for weight, bias in self._layers:
            vector = expit(weight @ vector + bias)
        return np.concatenate([vector, self._long.summary(self._long.features(long))])


@hookimpl
def stimmung_extractor() -> type[FrameExtractor]:
    """The extractor of this plugin."""
    return MultiCrnn

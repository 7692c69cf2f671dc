"""DeepSpectrum: a mel spectrogram, rendered with a colour map, seen by a network trained on photographs.

The audio baseline of Embedded Emotions, after its reference [6] (Schuller et al. 2020) and Amiriparian et
al. 2017,
"Snore Sound Classification Using Image-Based Deep Spectrum Features". 128 mel bands to 8 kHz every
10 ms, in decibels below the segment's loudest point, coloured with viridis and scaled to the network's
size; the features are the activations of its last convolution, averaged over the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stimmung.engine.compat import torchaudio
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.models.cards import open_model
from stimmung.engine.plugin import Extractor, FrameExtractor, hookimpl
from stimmung.engine.types import Floats

NAME = "deep_spectrum"
FILE = "efficientnet_lite0.safetensors"
RATE = 16000
HOP, WINDOW = 160, 400
BANDS = 128
FLOOR = 1e-10


class DeepSpectrum:
    """Log-mel rows every 10 ms → an image → 1280 features a segment.

    ``model`` is a shipped network or a folder; ``colours`` is a colour map of matplotlib; what lies
    ``range_db`` below the loudest point has the map's first colour. Raises ModelError.
    """

    api = 1
    name, version = NAME, "1"
    rate, hop, support, channels = RATE, HOP, WINDOW, BANDS
    dim = 1280

    def __init__(
        self, model: str = "efficientnet_lite0", colours: str = "viridis", range_db: float = 80.0
    ) -> None:
        self._range_db = range_db
        self._colours = _colour_table(colours)
        self._network = _load(model)
        self._mel = _mel()
        self._taper = np.hanning(WINDOW + 1)[:-1].astype(np.float32)

    def describe(self, samples: Floats) -> Floats:
        """(n,) → mel energies in dB, (rows, 128)."""
        if len(samples) < WINDOW:
            return np.empty((0, BANDS), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
        power = np.abs(np.fft.rfft(frames * self._taper, 512)) ** 2
        decibels: Floats = (10 * np.log10(power.astype(np.float32) @ self._mel + FLOOR)).astype(np.float32)
        return decibels

    def summarise(self, rows: Sequence[Floats]) -> Floats:
        """The network's activations for the picture of each segment, (n, 1280)."""
        import torch

        from .network import SIZE

        out = np.empty((len(rows), self.dim), np.float32)
        with torch.inference_mode():
            for decibels, vector in zip(rows, out, strict=True):
                image = torch.from_numpy(self._image(decibels)).permute(2, 0, 1)[None]
                scaled = torch.nn.functional.interpolate(image, (SIZE, SIZE), mode="bilinear", antialias=True)
                vector[:] = self._network(scaled)[0].numpy()
        return out

    def _image(self, decibels: Floats) -> Floats:
        """(rows, 128) → (128, rows, 3) of 0 to 255, low frequencies at the bottom."""
        shade = 1 + (decibels - decibels.max()) / self._range_db
        image: Floats = self._colours[np.clip(255 * shade, 0, 255).astype(np.int64)]
        return np.ascontiguousarray(image.transpose(1, 0, 2)[::-1])


def _load(model: str) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from .network import load

    path, _ = open_model(model, NAME, FILE)
    try:
        return load(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(f"model file '{path}' holds no EfficientNet-Lite0", got=str(error)) from error


def _mel() -> Floats:
    """(257, 128): triangles evenly spaced in mel from 0 to 8 kHz."""
    torchaudio.install()
    from torchaudio.functional import melscale_fbanks

    bank: Floats = melscale_fbanks(257, 0.0, RATE / 2, BANDS, RATE, norm="slaney", mel_scale="slaney").numpy()
    return bank


def _colour_table(name: str) -> Floats:
    """(256, 3) of 0 to 255."""
    import matplotlib

    if name not in matplotlib.colormaps:
        raise ConfigError(f"matplotlib has no colour map '{name}'", expected="one like viridis or magma")
    table: Floats = np.asarray(matplotlib.colormaps[name](np.arange(256))[:, :3] * 255, np.float32)
    return table


@hookimpl
def stimmung_extractor() -> type[Extractor] | type[FrameExtractor]:
    """The extractor of this plugin."""
    return DeepSpectrum

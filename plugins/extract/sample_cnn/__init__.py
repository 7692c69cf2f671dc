"""SampleCNN features: the filter responses of a network pretrained on raw speech, their mean ‖ max.

Embedded Emotions, section 2.1; the network and what was chosen in it: :mod:`.network`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from stimmung.engine.errors import ModelError
from stimmung.engine.models.cards import open_model
from stimmung.engine.plugin import Extractor, FrameExtractor, hookimpl
from stimmung.engine.types import Floats

# torch takes seconds to import and is only needed where the network runs.
if TYPE_CHECKING:
    from .network import SampleCnn as Network

NAME = "sample_cnn"
FILE = "sample_cnn.safetensors"
HEADER = "network"


class Architecture(msgspec.Struct, frozen=True):
    """What the file of weights says about the network they belong to."""

    filters: list[int]
    local: int


class SampleCnn:
    """Raw waveform → 768 responses every 6561 samples → 1536 features a segment.

    ``model`` is a shipped model or a folder that ``stimmung pretrain`` filled; raises ModelError.
    """

    api = 1
    name, version = NAME, "1"

    def __init__(self, model: str = "sample_cnn") -> None:
        path, card = open_model(model, NAME, FILE)
        self._network = load_network(str(path))
        self.rate = card.rate
        self.channels = self._network.top.filters.out_features
        self.dim = 2 * self.channels
        self.hop, self.support = self._network.hop, self._network.support

    def describe(self, samples: Floats) -> Floats:
        """(n,) → (rows, channels)."""
        import torch

        if len(samples) < self.support:
            return np.empty((0, self.channels), np.float32)
        with torch.inference_mode():
            rows: Floats = self._network(torch.from_numpy(np.array(samples))[None])[0].numpy()
        return rows

    def summarise(self, rows: Sequence[Floats]) -> Floats:
        """Mean ‖ max of each segment's rows, (n, 2 · channels)."""
        return np.stack([np.concatenate([part.mean(axis=0), part.max(axis=0)]) for part in rows])


def load_network(path: str) -> Network:
    """The network of a file of weights, for inference; raises ModelError when they do not fit it."""
    from safetensors import SafetensorError, safe_open

    from .network import SampleCnn as Network

    try:
        with safe_open(path, "pt") as file:
            architecture = msgspec.json.decode((file.metadata() or {}).get(HEADER, ""), type=Architecture)
            network = Network(architecture.filters, architecture.local)
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, msgspec.DecodeError, RuntimeError, ValueError) as error:
        raise ModelError(
            f"model file '{path}' holds no SampleCNN",
            got=str(error),
            remedy="train it with: stimmung pretrain",
        ) from error
    return network.fold()


@hookimpl
def stimmung_extractor() -> type[Extractor] | type[FrameExtractor]:
    """The extractor of this plugin."""
    return SampleCnn

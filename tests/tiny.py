"""Networks small enough to be made for the tests, saved as real ones are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from stimmung.engine.compat import torchaudio
from stimmung.engine.models.cards import Card, TrainedOn, write_card
from stimmung.plugins.extract.sample_cnn import FILE
from stimmung.plugins.extract.sample_cnn.network import SampleCnn as Network
from stimmung.pretrain.training.joint.export import JointTraining
from stimmung.pretrain.training.joint.inference import Network as Trained
from stimmung.pretrain.training.joint.networks import GAIN

RATE = 16000
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS += ["what", "a", "nice", "day", "it", "is", "and", "how", "sad", "am", "i"]
FILTERS, LOCAL = [8, 8, 8, 16], 33


def small_sample_cnn() -> Network:
    """A small one with weights and normalisations that are not trivial."""
    torch.manual_seed(0)
    small = Network(FILTERS, LOCAL)
    with torch.no_grad():
        for _ in range(3):
            small(torch.randn(4, 2000) * 0.1 + 0.3)
    return small.eval()


def save_sample_cnn(folder: Path, *, plugin: str = "sample_cnn", header: str = "") -> Path:
    """Its model folder, or one that is wrong on purpose."""
    folder.mkdir()
    settings = header or f'{{"filters": {FILTERS}, "local": {LOCAL}}}'
    weights = {name: value.contiguous() for name, value in small_sample_cnn().state_dict().items()}
    save_file(weights, folder / FILE, {"network": settings})
    trained = TrainedOn(corpus="", citation="", licence="", clips=0, speakers=0, hours=0.0)
    card = Card(
        name="small", plugin=plugin, target="gender", labels=["f", "m"], rate=RATE, inputs=[],
        trained_on=trained, protocol="", figures={}, licence="", intended_use="", limits="",
        created="2026-01-01", versions={},
    )  # fmt: skip
    write_card(folder, card)
    return folder


def save_bert(path: Path) -> Path:
    """A BERT of two small layers with random weights, saved as any other."""
    torchaudio.install()
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=12,
    )  # fmt: skip
    BertModel(config).save_pretrained(path)
    BertTokenizerFast(vocab={word: at for at, word in enumerate(WORDS)}).save_pretrained(path)
    return path


def heed(trained: Trained) -> None:
    """Gives a jointly trained head known weights and temperature, by which every input counts.

    A short training may end in a branch or a temperature of hardly any effect, on one processor and not on
    another. What hears, the standardisation and the averages of missing inputs stay as they were found.
    """
    random = torch.Generator().manual_seed(0)
    joint = trained.joint
    for part in (joint.branches, joint.joint, joint.output):
        for layer in part.modules():
            if isinstance(layer, torch.nn.Linear):
                torch.nn.init.xavier_uniform_(layer.weight, GAIN, random)
                torch.nn.init.zeros_(layer.bias)
    trained.beta = 1.5


def heeded(monkeypatch: pytest.MonkeyPatch) -> list[JointTraining]:
    """What is saved from here on, every input of it counting as after :func:`heed`."""
    found: list[JointTraining] = []
    save = JointTraining.save

    def kept(self: JointTraining, folder: Path) -> None:
        heed(self.network)
        found.append(self)
        save(self, folder)

    monkeypatch.setattr(JointTraining, "save", kept)
    return found

"""Training of LiFE's recurrent network on the sentences of a target corpus."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import torch
from safetensors.torch import save
from stimmung.engine.models.cards import Card, TrainedOn, write_card
from stimmung.engine.types import Floats
from stimmung.plugins.extract.bert import Bert
from stimmung.plugins.extract.life import FILE, HEADER, NAME, Architecture
from stimmung.plugins.extract.life.network import Compressor
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ..corpora.text_corpora import Sentences
from ..recipes.recipe import About
from ..versions import versions

Progress = Callable[[int, int, str], None]
UNITS = 128
EPOCHS = 4
BATCH = 32
LEARNING_RATE = 1e-3
DROPOUT = 0.5


def token_vectors(bert: Bert, texts: Sequence[str]) -> list[Tensor]:
    """The token vectors of each text, (tokens, width), in half precision: a corpus fits into memory."""

    def keep(vectors: Tensor, real: Tensor) -> Sequence[Floats]:
        return [row[mask].to(torch.float16).numpy() for row, mask in zip(vectors, real, strict=True)]

    return [torch.from_numpy(vectors) for vectors in bert.read(texts, keep)]


def train_compressor(
    vectors: Sequence[Tensor],
    truth: Sequence[int],
    labels: int,
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Compressor:
    """A network that has learned to tell the labels apart by these texts; classes count alike."""
    torch.manual_seed(seed)
    network = Compressor(vectors[0].shape[1], UNITS)
    head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(2 * UNITS, labels))
    optimiser = torch.optim.Adam([*network.parameters(), *head.parameters()], lr=LEARNING_RATE)
    counts = np.bincount(truth, minlength=labels)
    loss = nn.CrossEntropyLoss(torch.tensor(len(truth) / np.maximum(counts, 1) / labels, dtype=torch.float32))
    random = np.random.default_rng(seed)
    for epoch in range(EPOCHS):
        order = random.permutation(len(vectors))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            outputs = head(compress(network, [vectors[at] for at in chosen]))
            optimiser.zero_grad()
            loss(outputs, torch.tensor([truth[at] for at in chosen])).backward()
            optimiser.step()
        if progress is not None:
            progress(epoch + 1, EPOCHS, "LiFE epochs")
    return network.eval()


def compress(network: Compressor, vectors: Sequence[Tensor]) -> Tensor:
    """(n, 2 · units) of n texts."""
    padded = pad_sequence([one.float() for one in vectors], batch_first=True)
    compressed: Tensor = network(padded, torch.tensor([len(one) for one in vectors]))
    return compressed


def compress_all(network: Compressor, vectors: Sequence[Tensor]) -> Floats:
    """The same for a whole corpus, without gradients."""
    with torch.inference_mode():
        parts = [compress(network, vectors[at : at + BATCH]).numpy() for at in range(0, len(vectors), BATCH)]
    return np.concatenate(parts)


def save_compressor(
    network: Compressor,
    bert: str,
    corpus: Sentences,
    target: str,
    figures: dict[str, float | list[float]],
    about: About,
    out: Path,
) -> Path:
    """Writes the model folder ``out`` with its card."""
    out.mkdir(parents=True, exist_ok=True)
    header = {HEADER: msgspec.json.encode(Architecture(bert, network.width, network.units)).decode()}
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    (out / FILE).write_bytes(save(state, header))
    trained = [part == "train" for part in corpus.parts]
    write_card(
        out,
        Card(
            name=out.name,
            plugin=NAME,
            target=target,
            labels=list(corpus.labels),
            rate=16000,
            inputs=[],
            trained_on=TrainedOn(
                corpus=about.corpus,
                citation=about.citation,
                licence=about.corpus_licence,
                clips=sum(trained),
                speakers=0,
                hours=0.0,
            ),
            protocol=(
                f"trained {EPOCHS} epochs on the training part of {corpus.name} (clips are sentences); "
                "figures: a linear machine on its features, cost selected on held-out documents, tested on "
                "the published dev split; the interval resamples documents"
            ),
            figures=figures,
            licence=about.licence,
            intended_use=about.intended_use,
            limits=about.limits,
            created=datetime.datetime.now(datetime.UTC).date().isoformat(),
            versions=versions() | {"torch": str(torch.__version__)},
        ),
    )
    return out

"""A trained network asked about rows: in batches, padded, and in the order they were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from stimmung.engine.types import Floats
from torch import Tensor, nn

from .dataset import Example
from .networks import Joint
from .standardisation import Standard

Ints = npt.NDArray[np.int64]
CHUNK = 64  # rows judged at once


@dataclass(slots=True)
class Examples:
    """Rows to train on or to judge: what is heard, and the standardised features of every other input."""

    examples: Sequence[Example]
    others: list[Floats]
    truth: Ints

    def of(self, chosen: Ints) -> Examples:
        """Some of them."""
        return Examples(
            [self.examples[k] for k in chosen], [one[chosen] for one in self.others], self.truth[chosen]
        )


@dataclass(slots=True)
class Network:
    """A system and all it needs to be asked: what standardises its other inputs, and its temperature."""

    joint: Joint
    standards: list[Standard]
    beta: float = 1.0

    def scores(self, examples: Sequence[Example], features: Sequence[npt.NDArray[Any]]) -> Floats:
        """(n, labels) scores of rows, their features as extracted."""
        others = [standard(one) for standard, one in zip(self.standards, features, strict=True)]
        return judge(self.joint, Examples(examples, others, np.zeros(len(examples), np.int64)))


def judge(network: Joint, rows: Examples) -> Floats:
    """(n, labels) scores."""
    network.eval()
    order = np.argsort([len(example.heard) for example in rows.examples], kind="stable")
    scores = np.empty((len(order), network.output.out_features), np.float32)
    with torch.inference_mode():
        for at in range(0, len(order), CHUNK):
            batch = rows.of(order[at : at + CHUNK])
            others = [torch.from_numpy(one) for one in batch.others]
            scores[order[at : at + CHUNK]] = network(*padded(batch.examples), others).numpy()
    return scores


def padded(examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
    """(batch, longest, …) with zeros after the end of each, and the lengths, (batch,)."""
    heard = [torch.from_numpy(np.array(example.heard)) for example in examples]
    return nn.utils.rnn.pad_sequence(heard, batch_first=True), torch.tensor([len(one) for one in heard])

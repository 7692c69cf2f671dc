"""The networks of Joint Representation (Luo et al. 2018), as they are trained.

What runs is the plugins' own arithmetic on the weights that leave here: ``crnn``, ``multi_crnn``,
``e2e_cnn_lstm`` and, for the heads, ``fusion_mlp``. Weights have the same names on both sides. Networks
that hear take a batch padded at its end and the length of each item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from stimmung.plugins.extract.crnn.log_mel import BANDS
from stimmung.plugins.extract.crnn.network import CONTEXT, POOL, STRIDE, Segments, pooled
from stimmung.plugins.extract.e2e_cnn_lstm import FRAME, LENGTH, POOLED, STEEP
from stimmung.plugins.extract.e2e_cnn_lstm import STRIDE as RESPONSE
from stimmung.plugins.extract.multi_crnn import Scales
from torch import Tensor, nn
from torch.nn import functional

FILTERS = 30
UNITS = 128
LEAST = 1e-3  # deviation of a band that an untrained filter may leave silent
GAIN = 2.0  # of the initial weights: sigmoids halve what passes them


class Recurrent(nn.Module):
    """(batch, steps, in) and the steps of each → max ‖ mean ‖ min of an LSTM's outputs, (batch, 384).

    Section 3.1, equations 1 to 3.
    """

    def __init__(self, before: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(before, UNITS, batch_first=True)

    def forward(self, rows: Tensor, steps: Tensor) -> Tensor:
        outputs, _ = self.lstm(rows)
        beyond = (torch.arange(rows.shape[1]) >= steps[:, None])[:, :, None]
        highest = outputs.masked_fill(beyond, -torch.inf).amax(dim=1)
        lowest = outputs.masked_fill(beyond, torch.inf).amin(dim=1)
        mean = outputs.masked_fill(beyond, 0).sum(dim=1) / steps[:, None]
        return torch.cat([highest, mean, lowest], dim=1)


class Crnn(nn.Module):
    """Spectra (batch, frames, 40) → (batch, 384), from segments of some frames every few. Section 4.2.

    Convolving the whole spectrogram and then cutting it is the same as convolving each segment.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, segments: Segments) -> None:
        super().__init__()
        self.segments = segments
        self.first = nn.Conv1d(BANDS, FILTERS, CONTEXT)
        self.second = nn.Conv1d(FILTERS, FILTERS, 3)
        self.recurrent = Recurrent(FILTERS * pooled(pooled(segments.frames - CONTEXT + 1) - 2))
        self.dim = 3 * UNITS
        self.register_buffer("mean", torch.zeros(BANDS))
        self.register_buffer("scale", torch.ones(BANDS))

    def standardise(self, spectra: Tensor) -> None:
        """Takes the mean and deviation of every band from (frames, 40)."""
        self.mean.copy_(spectra.mean(dim=0))
        self.scale.copy_(spectra.std(dim=0).clamp(min=LEAST))

    def forward(self, spectra: Tensor, lengths: Tensor) -> Tensor:
        frames, hop = self.segments.frames, self.segments.hop
        spectra = functional.pad(spectra, (0, 0, 0, max(0, frames - spectra.shape[1])))
        rows = torch.relu(self.first(((spectra - self.mean) / self.scale).transpose(1, 2)))
        # What too short an item lacks of its only segment is silent.
        beyond = torch.arange(rows.shape[2]) >= lengths[:, None] - CONTEXT + 1
        rows = rows.masked_fill(beyond[:, None], 0)
        segments = rows.unfold(2, frames - CONTEXT + 1, hop).transpose(1, 2)
        halved = functional.max_pool1d(segments.flatten(0, 1), POOL, STRIDE)
        halved = functional.max_pool1d(torch.relu(self.second(halved)), POOL, STRIDE)
        steps = ((lengths - frames) // hop + 1).clamp(min=1)
        features: Tensor = self.recurrent(halved.reshape(len(spectra), segments.shape[1], -1), steps)
        return features


class MultiCrnn(nn.Module):
    """Two scales of the same spectra → (batch, 512), the shorter through layers of its own. Section 3.3."""

    def __init__(self, scales: Scales) -> None:
        super().__init__()
        self.scales = scales
        self.short, self.long = Crnn(scales.short), Crnn(scales.long)
        self.layers = sigmoids(self.short.dim, scales.layers)
        self.dim = scales.layers[-1] + self.long.dim

    def standardise(self, spectra: Tensor) -> None:
        """Takes the mean and deviation of every band from (frames, 40)."""
        self.short.standardise(spectra)
        self.long.standardise(spectra)

    def forward(self, spectra: Tensor, lengths: Tensor) -> Tensor:
        short = through(self.layers, self.short(spectra, lengths))
        return torch.cat([short, self.long(spectra, lengths)], dim=1)


class EndToEnd(Crnn):
    """Raw samples (batch, n) → (batch, 384): learned filters in place of the log-mel spectra."""

    def __init__(self, segments: Segments) -> None:
        super().__init__(segments)
        self.filters = nn.Conv1d(1, BANDS, LENGTH, RESPONSE)

    def standardise(self, samples: Tensor) -> None:
        """Takes the mean and deviation of every band of the untrained filters from (n,) samples."""
        with torch.no_grad():
            super().standardise(self._frames(samples[None])[0])

    def forward(self, samples: Tensor, lengths: Tensor) -> Tensor:
        samples = functional.pad(
            samples, (0, max(0, self.segments.frames * FRAME + LENGTH - samples.shape[1]))
        )
        frames = ((lengths - LENGTH) // RESPONSE + 1) // POOLED
        return super().forward(self._frames(samples), frames)

    def _frames(self, samples: Tensor) -> Tensor:
        # As a product of matrices, which takes a third of a strided convolution's time.
        seen = samples.unfold(1, LENGTH, RESPONSE)
        seen = seen[:, : seen.shape[1] // POOLED * POOLED]
        responses = functional.linear(seen, self.filters.weight[:, 0], self.filters.bias)
        highest = responses.reshape(len(samples), -1, POOLED, BANDS).amax(dim=2)
        return torch.log1p(STEEP * torch.relu(highest))


Hearing = Crnn | MultiCrnn


class Branch(nn.Module):
    """The layers that one input of the head passes alone; its outputs are dropped at random in training.

    A row of NaN has no such input. It gets the mean over those of the batch that do in training, afterwards
    the ``average``, as where no row of a batch does.
    """

    average: Tensor

    def __init__(self, before: int, layers: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.layers = sigmoids(before, layers)
        self.dropout = dropout
        self.dim = layers[-1] if layers else before
        self.register_buffer("average", torch.zeros(self.dim))

    def forward(self, features: Tensor) -> Tensor:
        missing = features.isnan().any(dim=1)
        if not missing.any():
            return self._passed(features)
        there = self._passed(features[~missing])
        average = there.mean(dim=0) if self.training and len(there) else self.average
        found = average.repeat(len(features), 1)
        found[~missing] = there
        return found

    def _passed(self, features: Tensor) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        return (
            through(self.layers, features, dropout) if self.layers else functional.dropout(features, dropout)
        )


class Joint(nn.Module):
    """All of a system: what hears, a branch for each input, joint layers, scores of the labels.

    ``hearing`` is the trained extractor, the input of the first branch.
    """

    def __init__(
        self, hearing: Hearing, branches: dict[str, Branch], joint: Sequence[int], labels: int
    ) -> None:
        super().__init__()
        self.hearing: Hearing = hearing
        self.branches = nn.ModuleDict(branches)
        self.joint = sigmoids(sum(branch.dim for branch in branches.values()), joint)
        self.output = nn.Linear(joint[-1] if joint else sum(b.dim for b in branches.values()), labels)

    def parts(self, heard: Tensor, lengths: Tensor, others: Sequence[Tensor]) -> list[Tensor]:
        """What each branch makes of its input."""
        return self._branched([self.hearing(heard, lengths), *others])

    def forward(self, heard: Tensor, lengths: Tensor, others: Sequence[Tensor]) -> Tensor:
        """(batch, labels) scores."""
        return self.judged([self.hearing(heard, lengths), *others])

    def judged(self, inputs: Sequence[Tensor]) -> Tensor:
        """The same of what was heard already: one (batch, dim) matrix for each branch."""
        scores: Tensor = self.output(through(self.joint, torch.cat(self._branched(inputs), dim=1)))
        return scores

    def settle(self, averages: Mapping[str, Tensor]) -> None:
        """Takes what branches give on average."""
        for name, average in averages.items():
            self.get_buffer(f"branches.{name}.average").copy_(average)

    def _branched(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        return [branch(one) for branch, one in zip(self.branches.values(), inputs, strict=True)]


def sigmoids(before: int, sizes: Sequence[int]) -> nn.ModuleList:
    """Dense layers, each meant to be followed by a sigmoid."""
    layers = nn.ModuleList()
    for size in sizes:
        layer = nn.Linear(before, size)
        nn.init.xavier_uniform_(layer.weight, GAIN)
        nn.init.zeros_(layer.bias)
        layers.append(layer)
        before = size
    return layers


def through(layers: nn.ModuleList, rows: Tensor, dropout: float = 0.0) -> Tensor:
    """Rows after every layer and its sigmoid."""
    for layer in layers:
        rows = functional.dropout(torch.sigmoid(layer(rows)), dropout)
    return rows

"""SampleCNN: a raw waveform → 768 filter responses every 6561 samples.

Embedded Emotions, section 2.1 (Schiller et al. 2020), after Lee et al. 2018: one strided convolution, seven
residual blocks of stride 3 with growing filters, and a convolution of 768 filters, each with batch
normalisation and ReLU. What the paper leaves open is chosen here so that the network can run over a stream:

- Every strided convolution is as long as its stride (3), in valid mode, and what keeps the length has length
  1, as in the last layer of Lee et al. So a row sees 3^8 = 6561 samples of its own, a stream is
  convolved exactly once, and a convolution is one matrix product over rows of three.
- A block is convolution, normalisation, ReLU, convolution of length 1, normalisation, plus a linear
  projection of the mean of the three rows it takes in; ReLU (He et al. 2016).
- "Locally normalized to zero mean" subtracts the mean of the ``local`` samples around each sample,
  which needs no more than these samples of a stream.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

STRIDE = 3


class Block(nn.Module):
    """(batch, 3 t, in) → (batch, t, out)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.down = Convolution(STRIDE * before, after)
        self.mix = Convolution(after, after)
        self.shortcut = nn.Linear(before, after, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        threes = _threes(rows)
        bypass = self.shortcut(threes.view(*threes.shape[:2], STRIDE, -1).mean(dim=2))
        return torch.relu_(self.mix(torch.relu_(self.down(threes))) + bypass)


class Convolution(nn.Module):
    """A convolution as long as its stride, over rows that hold all it sees; then batch normalisation."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.filters = nn.Linear(before, after, bias=False)
        self.norm: nn.BatchNorm1d | None = nn.BatchNorm1d(after)

    def forward(self, rows: Tensor) -> Tensor:
        out: Tensor = self.filters(rows)
        return out if self.norm is None else self.norm(out.flatten(0, 1)).view(out.shape)

    def fold(self) -> None:
        """Makes the normalisation a part of the filters: one product, no pass of its own."""
        assert self.norm is not None
        self.filters, self.norm = fuse_linear_bn_eval(self.filters.eval(), self.norm.eval()), None


class SampleCnn(nn.Module):
    """(batch, samples) → (batch, rows, filters[-1]).

    ``filters``: of the strided convolution, of the residual blocks, and of the last convolution.
    ``local``: samples around each one, an odd number, whose mean is taken off it.
    """

    def __init__(self, filters: Sequence[int], local: int) -> None:
        super().__init__()
        first, *blocks, last = filters
        self.local = local
        self.hop = STRIDE ** (1 + len(blocks))
        self.support = self.hop + local - 1
        self.stem = Convolution(STRIDE, first)
        self.blocks = nn.Sequential(*map(Block, [first, *blocks[:-1]], blocks))
        self.top = Convolution(blocks[-1], last)

    def forward(self, samples: Tensor) -> Tensor:
        centred = self.centre(samples)
        whole = centred.shape[1] // self.hop * self.hop
        rows = torch.relu_(self.stem(_threes(centred[:, :whole, None])))
        return torch.relu_(self.top(self.blocks(rows)))

    def fold(self) -> SampleCnn:
        """The same network for inference alone, its normalisations folded into its filters."""
        for part in self.modules():
            if isinstance(part, Convolution):
                part.fold()
        return self.eval()

    def centre(self, samples: Tensor) -> Tensor:
        """(batch, n) → (batch, n - local + 1), each sample less the mean of the ``local`` around it."""
        sums = nn.functional.pad(samples.double().cumsum(dim=1), (1, 0))
        means = (sums[:, self.local :] - sums[:, : -self.local]) / self.local
        half = self.local // 2
        return samples[:, half : samples.shape[1] - half] - means.float()


class Gender(nn.Module):
    """The pretraining task: a dense softmax over each row of SampleCNN's output, averaged over the rows."""

    def __init__(self, network: SampleCnn, labels: int, dropout: float) -> None:
        super().__init__()
        self.network = network
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(network.top.filters.out_features, labels)

    def forward(self, samples: Tensor) -> Tensor:
        """(batch, samples) → probabilities, (batch, labels)."""
        return torch.softmax(self.dense(self.dropout(self.network(samples))), dim=2).mean(dim=1)


def _threes(rows: Tensor) -> Tensor:
    """(batch, 3 t, c) → (batch, t, 3 c)."""
    return rows.view(rows.shape[0], rows.shape[1] // STRIDE, STRIDE * rows.shape[2])

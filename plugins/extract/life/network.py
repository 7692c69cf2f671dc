"""The recurrent network of LiFE: token vectors of a narrative → one short vector."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Compressor(nn.Module):
    """A gated recurrent network over the tokens in both directions; the largest response of each unit."""

    def __init__(self, width: int, units: int) -> None:
        super().__init__()
        self.width, self.units = width, units
        self.recurrent = nn.GRU(width, units, batch_first=True, bidirectional=True)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """(n, tokens, width), of which the first ``lengths`` (n,) are real → (n, 2 · units)."""
        packed = pack_padded_sequence(vectors, lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, _ = pad_packed_sequence(
            self.recurrent(packed)[0], batch_first=True, padding_value=-torch.inf
        )
        compressed: Tensor = outputs.amax(dim=1)
        return compressed

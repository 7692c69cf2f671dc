"""Changes that leave the emotion of what is heard alone: bands and frames masked, louder or softer.

Park et al. 2019, "SpecAugment", section 2, with masks that hold the band's mean over the batch.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...recipes.joint_recipe import AugmentTable


def augmented(heard: Tensor, lengths: Tensor, table: AugmentTable, random: np.random.Generator) -> Tensor:
    """A batch of spectra (batch, frames, bands), or of samples (batch, n), which only change in loudness."""
    gains_db = random.uniform(-table.gain_db, table.gain_db, len(heard)).astype(np.float32)
    if heard.dim() == 2:
        return heard * torch.from_numpy(10 ** (gains_db / 20))[:, None]
    mean = heard.sum(dim=(0, 1)) / lengths.sum()
    heard = heard + torch.from_numpy(gains_db * np.float32(np.log(10) / 10))[:, None, None]
    for one, length in zip(heard, lengths.tolist(), strict=True):
        bands, first = random.integers(table.bands + 1), random.integers(heard.shape[2])
        one[:, first : first + bands] = mean[first : first + bands]
        frames, first = random.integers(table.frames + 1), random.integers(length)
        one[first : first + frames] = mean
    return heard

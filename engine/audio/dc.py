"""Takes the constant part, DC, out of a signal as it arrives.

Cheap sound cards and some telephone lines add a constant to every sample. It says nothing about the voice,
but energies, zero crossings and detectors of speech take it for sound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..types import Floats

CUTOFF_HZ = 1.0  # 3 dB; at 50 Hz, below any voice, 0.002 dB and one degree


class DcBlocker:
    """The samples less their mean so far: of all at first, then as a high-pass of first order forgets.

    The mean of all is the best there is at the start, so a constant is gone from the first sample on, where
    a high-pass alone would answer it with a thump of half a second. After ``1 / (2 pi CUTOFF_HZ)`` seconds
    the two are the same, and the high-pass goes on. The result does not depend on how the signal is cut up.
    """

    def __init__(self, rate: int) -> None:
        self._block = max(1, round(rate / (2 * np.pi * CUTOFF_HZ)))
        step = np.arange(self._block, dtype=np.float64)
        decay = 1 - 1 / self._block
        # Within a block, mean k = carried k * mean before + given k * (sum of taken j * sample j, j <= k):
        # sums from left to right, so that a block may come in pieces.
        self._taken, self._given, self._carried = np.ones_like(step), 1 / (step + 1), np.zeros_like(step)
        self._later = decay**-step, decay**step / self._block, decay ** (step + 1)
        self._at, self._sum, self._mean = 0, 0.0, 0.0

    def remove(self, samples: Floats) -> Floats:
        """(n,) → (n,), each sample known at once; goes on from the call before."""
        parts, start = [np.empty(0, np.float32)], 0
        while start < len(samples):
            part = samples[start : start + self._block - self._at].astype(np.float64)
            parts.append((part - self._means(part)).astype(np.float32))
            start += len(part)
        return np.concatenate(parts)

    def _means(self, part: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The means at each sample of a part that ends no later than the present block."""
        here = slice(self._at, self._at + len(part))
        sums = np.add.accumulate(np.concatenate([[self._sum], part * self._taken[here]]))[1:]
        means: npt.NDArray[np.float64] = self._carried[here] * self._mean + self._given[here] * sums
        self._at, self._sum = here.stop, float(sums[-1])
        if self._at == self._block:
            self._taken, self._given, self._carried = self._later
            self._at, self._sum, self._mean = 0, 0.0, float(means[-1])
        return means

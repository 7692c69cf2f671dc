"""Energy and zero crossings of the waveform itself.

* RMS energy of a 20 ms frame: √ mean x².
* Zero-crossing rate of a 60 ms frame: changes of sign per sample, a touch of zero counted once.
* RMS of the Gauss-windowed 60 ms frame, below which a frame counts as silent in pitch analysis.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Bools, Floats


def rms(frames: Floats) -> Floats:
    """√ mean x² of each frame, (frames, n) → (frames,)."""
    power: Floats = np.einsum("tn,tn->t", frames, frames) / np.float32(frames.shape[1])
    return np.sqrt(power)


def crossings(samples: Floats) -> Bools:
    """True where the signal crosses zero at sample n, n = 1 … N-2, (N - 2,)."""
    before, here, after = samples[:-2], samples[1:-1], samples[2:]
    crossed: Bools = ((before * after <= 0) & (here == 0)) | (before * here < 0)
    return crossed

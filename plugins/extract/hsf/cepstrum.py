"""Mel-frequency cepstral coefficients 1–14: the liftered cosine transform of the log mel bands.

c_i = √(2/26) (1 + 11 sin(π i / 22)) Σ_b ln E_b cos(π i (b + ½) / 26), i = 1…14. The bands are those of
:mod:`.auditory`; a common gain only moves c_0, so the scaling of the samples does not matter.
Reference: Davis and Mermelstein (IEEE TASSP 28, 1980); liftering as in the HTK book, section 5.6.
"""

from __future__ import annotations

import numpy as np
from stimmung.engine.types import Floats

from .auditory import BANDS
from .frames import Doubles

COEFFICIENTS = 14
LIFTER = 22


def _transform() -> Floats:
    i = np.arange(1, COEFFICIENTS + 1)
    cosines = np.cos(np.pi / BANDS * np.outer(i, np.arange(BANDS) + 0.5))
    lifter = 1 + LIFTER / 2 * np.sin(np.pi * i / LIFTER)
    liftered: Doubles = np.sqrt(2 / BANDS) * lifter[:, None] * cosines
    return liftered.astype(np.float32)


TRANSFORM = _transform()


def mfcc(bands: Floats) -> Floats:
    """(26, frames) log bands → (14, frames)."""
    coefficients: Floats = TRANSFORM @ bands
    return coefficients

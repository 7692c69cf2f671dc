"""HSF: the 6373 ComParE 2016 functionals over 65 low-level descriptors and their deltas.

    from stimmung.plugins.extract.hsf import Hsf

    hsf = Hsf()
    rows = hsf.describe(samples)            # (n,) at 16 kHz → one row every 10 ms
    features = hsf.summarise([rows])        # (1, 6373), named by hsf.feature_names()

``describe`` is strictly local: a row sees 60 ms of audio and nothing else, so blocks give what the whole
gives and no state is kept. RASTA filtering, pitch tracking, smoothing and deltas run in ``summarise``
over a segment's own rows, so a window cut from a stream equals the same samples alone.

Names, order and definitions follow the published configuration of the ComParE 2016 set (Schuller et al.,
*The INTERSPEECH 2016 Computational Paralinguistics Challenge*; Eyben, *Real-time Speech and Music
Classification by Large Audio Feature Space Extraction*, Springer 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from stimmung.engine.plugin import hookimpl
from stimmung.engine.types import Floats

from . import contours, functionals, names
from . import rows as rows_
from .frames import HOP, LONG, RATE


class Hsf:
    """The ComParE 2016 functionals as a frame extractor."""

    name = "hsf"
    version = "1"
    rate = RATE
    hop = HOP
    support = LONG
    channels = rows_.CHANNELS
    dim = 6373

    def describe(self, samples: Floats) -> Floats:
        """(n,) samples → ((n - 960) // 160 + 1, channels), none when n < 960."""
        return rows_.describe(samples)

    def summarise(self, rows: Sequence[Floats]) -> Floats:
        """The rows of each segment → (segments, 6373), all finite."""
        return np.stack([_summarise(segment) for segment in rows])

    def feature_names(self) -> list[str]:
        """The 6373 names, in order."""
        return names.feature_names()


def _summarise(rows: Floats) -> Floats:
    voiced, energy, spectral = rows_.smoothed(rows)
    count = len(rows)
    voiced_delta = contours.delta_voiced(voiced)
    energy_delta, spectral_delta = contours.delta(energy), contours.delta(spectral)

    def across(*parts: Floats, frames: int) -> Floats:
        return np.ascontiguousarray(np.concatenate([part[:frames].T for part in parts]))

    blocks = [
        functionals.shape(across(energy, energy_delta, frames=count - 2)),
        functionals.shape(across(spectral, spectral_delta, frames=count + 2)),
        functionals.voiced(across(voiced, voiced_delta, frames=count - 2)),
        functionals.f0(across(voiced[:, :1], frames=count)),
        functionals.level(across(energy, spectral, frames=count)),
        functionals.change(across(energy_delta, spectral_delta, frames=count - 2)),
    ]
    values = np.concatenate([block.reshape(-1) for block in blocks])
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


@hookimpl
def stimmung_extractor() -> type[Hsf]:
    """The extractor of this plugin."""
    return Hsf

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

from . import compiled, functionals, names
from .frames import HOP, LONG, RATE
from .rows import CHANNELS, assemble, describe


class Hsf:
    """The ComParE 2016 functionals as a frame extractor."""

    api = 1
    name = "hsf"
    version = "2"
    rate = RATE
    hop = HOP
    support = LONG
    channels = CHANNELS
    dim = 6373

    def __init__(self) -> None:
        # A worker may take longer to start than to answer, and compiling for the first time takes a while.
        compiled.load_all(__name__)

    def describe(self, samples: Floats) -> Floats:
        """(n,) samples → ((n - 960) // 160 + 1, channels), none when n < 960."""
        return describe(samples)

    def summarise(self, rows: Sequence[Floats]) -> Floats:
        """The rows of each segment → (segments, 6373), all finite."""
        features = [functionals.functionals(assemble(segment)) for segment in rows]
        return np.nan_to_num(np.array(features, np.float32).reshape(len(rows), self.dim))

    def feature_names(self) -> list[str]:
        """The 6373 names, in order."""
        return names.feature_names()


@hookimpl
def stimmung_extractor() -> type[Hsf]:
    """The extractor of this plugin."""
    return Hsf

"""openSMILE's own ComParE 2016 functionals, for those whose use its licence allows.

openSMILE may be used, and features made with it passed on, for private, research and educational purposes
only; commercial use needs a licence from audEERING. It is therefore never a default, and ``hsf``
computes the same features under this project's licence. Install with ``pip install stimmung[opensmile]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Any

import numpy as np
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import hookimpl
from stimmung.engine.types import Floats, Segment

LARGEST = 32767 / 32768


def load() -> Any:
    """The opensmile package; raises ConfigError where it is not installed."""
    try:
        return import_module("opensmile")
    except ImportError as error:
        raise ConfigError(
            "extractor 'opensmile' needs the package opensmile",
            got=str(error),
            remedy="pip install stimmung[opensmile] if your use is non-commercial, as its licence "
            "demands; extractor 'hsf' computes the same features freely",
        ) from error


class OpenSmile:
    """The 6373 functionals of each segment, computed by openSMILE.

    Samples beyond full scale are clipped, because openSMILE would wrap them; values it cannot compute, as in
    segments shorter than about 0.1 s, are 0.
    """

    api = 1
    name = "opensmile"
    rate = 16000
    dim = 6373

    def __init__(self) -> None:
        package = load()
        self.version: str = metadata.version("opensmile")
        self._smile = package.Smile(
            feature_set=package.FeatureSet.ComParE_2016,
            feature_level=package.FeatureLevel.Functionals,
        )

    def extract(self, segments: Sequence[Segment]) -> Floats:
        """Segments → (n, 6373)."""
        features = [self.functionals(segment.samples) for segment in segments]
        return np.array(features, np.float32).reshape(len(segments), self.dim)

    def functionals(self, samples: Floats) -> Floats:
        """(n,) samples at 16 kHz → (6373,)."""
        signal = np.clip(samples, -1, LARGEST)
        values: Floats = self._smile.process_signal(signal, self.rate).to_numpy(np.float32)[0]
        return np.nan_to_num(values)

    def feature_names(self) -> list[str]:
        """The 6373 names, in order."""
        return list(self._smile.feature_names)


@hookimpl
def stimmung_extractor() -> type[OpenSmile]:
    """The extractor of this plugin."""
    return OpenSmile

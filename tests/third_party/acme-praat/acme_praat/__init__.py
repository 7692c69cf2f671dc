"""The pitch of a segment as Praat measures it."""

from collections.abc import Sequence

import numpy as np
import parselmouth
from stimmung.engine.plugin import hookimpl
from stimmung.engine.types import Floats, Segment


class PraatPitch:
    """Median, standard deviation and voiced share of the fundamental frequency, Boersma's autocorrelation."""

    api = 1
    name, version, rate, dim = "acme-praat", "1", 16000, 3

    def __init__(self, floor_hz: float = 75.0, ceiling_hz: float = 500.0) -> None:
        self._floor_hz, self._ceiling_hz = floor_hz, ceiling_hz

    def extract(self, segments: Sequence[Segment]) -> Floats:
        """Segments → (n, 3): Hz, Hz, 0 to 1; all 0 where nothing is voiced."""
        return np.array([self._features(segment.samples) for segment in segments], np.float32)

    def _features(self, samples: Floats) -> list[float]:
        sound = parselmouth.Sound(np.array(samples, np.float64), self.rate)
        pitch = sound.to_pitch(pitch_floor=self._floor_hz, pitch_ceiling=self._ceiling_hz)
        pitch_hz = pitch.selected_array["frequency"]
        voiced = pitch_hz[pitch_hz > 0]
        if not len(voiced):
            return [0.0, 0.0, 0.0]
        return [float(np.median(voiced)), float(np.std(voiced)), len(voiced) / len(pitch_hz)]


@hookimpl
def stimmung_extractor() -> type[PraatPitch]:
    return PraatPitch

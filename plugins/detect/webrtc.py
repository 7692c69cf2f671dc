"""Voice activity by the detector of WebRTC, with two checks that it lacks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import webrtcvad
from numpy.lib.stride_tricks import sliding_window_view
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import Detector, hookimpl
from stimmung.engine.types import Bools, Floats

Doubles = npt.NDArray[np.float64]

MEMORY = 100  # hops, 1 s: a syllable or a pause falls into every second of speech
WARM_UP = 30  # hops, 0.3 s: before, there is too little to call a sound steady
SILENCE = 1e-10  # -100 dB: keeps the logarithm of digital silence finite


class WebRtcDetector:
    """One flag each 10 ms at 16 kHz: WebRTC hears speech, loud enough, and the sound is not steady.

    ``aggressiveness`` is WebRTC's own, 0 (hears speech in most things) to 3 (misses the most speech). It
    alone takes white noise, hum and tones at -20 dBFS for speech. Here a hop whose level lies below
    ``floor_dbfs`` (dB re full scale) is never speech, nor is one at the end of a second in which the
    level of the differentiated signal, hop by hop, deviates by less than ``steady_db`` (standard
    deviation, dB): below 0.8 for stationary noise of any colour and 0.1 for tones, above 3.5 in
    99.9 % of the hops of read and acted speech.
    """

    api = 1
    name = "webrtc"
    rate = 16_000
    hop = 160

    def __init__(self, aggressiveness: int = 2, *, floor_dbfs: float = -65.0, steady_db: float = 2.0) -> None:
        if aggressiveness not in (0, 1, 2, 3):
            raise ConfigError(
                "aggressiveness of detector 'webrtc'", got=str(aggressiveness), expected="0, 1, 2 or 3"
            )
        self._vad = webrtcvad.Vad(aggressiveness)
        self._floor_dbfs = floor_dbfs
        self._steady_db = steady_db
        self._levels_db = np.empty(0)  # of the hops before, at most MEMORY - 1

    def detect(self, samples: Floats) -> Bools:
        """(n * 160,) → (n,) flags; the state left by earlier calls takes part."""
        hops = samples.reshape(-1, self.hop).astype(np.float64)
        loud = _level_db(hops) >= self._floor_dbfs
        return self._voiced(hops) & loud & ~self._steady(_level_db(np.diff(hops, axis=1)))

    def _voiced(self, hops: Doubles) -> Bools:
        pcm = np.rint(np.clip(hops * 32_768, -32_768, 32_767)).astype("<i2")
        return np.array([self._vad.is_speech(hop.tobytes(), self.rate) for hop in pcm], np.bool_)

    def _steady(self, levels_db: Doubles) -> Bools:
        known = len(self._levels_db)
        history = np.concatenate([self._levels_db, levels_db])
        self._levels_db = history[-(MEMORY - 1) :]
        early = range(known, min(MEMORY - 1, len(history)))
        steady = [at + 1 >= WARM_UP and bool(history[: at + 1].std() < self._steady_db) for at in early]
        if len(history) < MEMORY:
            return np.array(steady, np.bool_)
        windows = np.ascontiguousarray(sliding_window_view(history, MEMORY))
        return np.concatenate([np.array(steady, np.bool_), windows.std(axis=1) < self._steady_db])


def _level_db(hops: Doubles) -> Doubles:
    """(n, m) → the mean power of each row, in dB re full scale."""
    level_db: Doubles = 10 * np.log10(np.square(hops).mean(axis=1) + SILENCE)
    return level_db


@hookimpl
def stimmung_detector() -> type[Detector]:
    return WebRtcDetector

"""Voice activity by Silero VAD, a small recurrent network that was trained on speech of many languages."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.models.cards import open_model
from stimmung.engine.plugin import Detector, hookimpl
from stimmung.engine.types import Bools, Floats

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

NAME = "silero"
FILE = "silero_vad.onnx"
CONTEXT = 64  # samples before each hop that the network hears again
UNITS = 128  # of its LSTM
FADE_DB = 0.1  # a hop, 3 dB a second: syllables and pauses leave the gain alone, another voice does not
SILENCE = 1e-10  # -100 dB: keeps the logarithm of digital silence finite
MEMORY = 32  # hops, 1 s: after seconds of silence the network misses the next words, unless it begins anew
QUIET_DBFS = -60.0  # of every hop of that second: beginning anew within a hum or a melody takes it for speech


class SileroDetector:
    """One flag each 32 ms at 16 kHz: the network's probability of speech, with hysteresis.

    Speech begins in the hop whose probability reaches ``threshold`` and ends in the first below
    ``release``; ``hangover_ms`` of hops after it still count as speech, so that short pauses between and
    within words do not break it. No flag waits for later audio.

    The network misses quiet speech, so what lies below ``level_dbfs`` (mean power, dB re full scale) is
    amplified to it, by ``gain_db`` at most. The level is that of the loudest hop so far, which fades by 3 dB
    a second.

    ``model`` is a shipped model or the folder of one; raises ModelError. Raises ConfigError when the
    thresholds are no probabilities or out of order, and when a length or the gain is negative.
    """

    api = 1
    name = NAME
    rate = 16_000
    hop = 512

    def __init__(
        self,
        model: str = "silero_vad",
        *,
        threshold: float = 0.5,
        release: float = 0.35,
        hangover_ms: float = 96.0,
        level_dbfs: float = -30.0,
        gain_db: float = 20.0,
    ) -> None:
        if not 0 < release <= threshold < 1:
            raise ConfigError(
                f"thresholds of detector '{NAME}'",
                got=f"threshold = {threshold:g}, release = {release:g}",
                expected="0 < release <= threshold < 1",
            )
        for option, value in (("hangover_ms", hangover_ms), ("gain_db", gain_db)):
            if not 0 <= value < np.inf:
                raise ConfigError(f"{option} of detector '{NAME}'", got=f"{value:g}", expected="0 or more")
        path, _ = open_model(model, NAME, FILE)
        self._session = _session(path)
        self._threshold, self._release = threshold, release
        self._hangover = round(hangover_ms * self.rate / 1000 / self.hop)
        self._gain = Gain(level_dbfs, gain_db)
        self._context = np.zeros(CONTEXT, np.float32)
        self._hidden = self._cell = np.zeros((1, 1, UNITS), np.float32)
        self._at, self._busy = 0, False  # hops of the present block, and whether one was more than silence
        self._speaking = False
        self._since = self._hangover  # hops since speech ended

    def detect(self, samples: Floats) -> Bools:
        """(n * 512,) → (n,) flags; the state left by earlier calls takes part."""
        hops, flags = samples.reshape(-1, self.hop), np.empty(len(samples) // self.hop, np.bool_)
        start = 0
        while start < len(hops):
            stop = min(len(hops), start + MEMORY - self._at)
            found = self._heard(hops[start:stop]).tolist()
            flags[start:stop] = [self._flag(probability) for probability in found]
            self._end_block(hops[start:stop], flags[start:stop])
            start = stop
        return flags

    def _end_block(self, hops: Floats, flags: Bools) -> None:
        """Forgets what was heard where a whole block was quiet and no speech."""
        quiet = bool(_level_dbfs(hops).max() < QUIET_DBFS)
        self._at, self._busy = self._at + len(hops), self._busy or not quiet or bool(flags.any())
        if self._at < MEMORY:
            return
        if not self._busy:
            self._hidden = self._cell = np.zeros((1, 1, UNITS), np.float32)
        self._at, self._busy = 0, False

    def _heard(self, hops: Floats) -> Floats:
        contexts = np.concatenate([self._context[np.newaxis], hops[:-1, -CONTEXT:]])
        self._context = hops[-1, -CONTEXT:].copy()
        heard = np.concatenate([contexts, hops], axis=1) * self._gain.of(hops)[:, np.newaxis]
        inputs = {"input": heard, "h": self._hidden, "c": self._cell}
        found, self._hidden, self._cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
        probabilities: Floats = found
        return probabilities

    def _flag(self, probability: float) -> bool:
        self._speaking = probability >= (self._release if self._speaking else self._threshold)
        self._since = 0 if self._speaking else self._since + 1
        return self._since <= self._hangover


class Gain:
    """Brings quiet hops to ``level_dbfs``, by ``most_db`` at most; louder ones stay as they are."""

    def __init__(self, level_dbfs: float, most_db: float) -> None:
        self._level_dbfs, self._most_db = level_dbfs, most_db
        self._loudest_dbfs = -np.inf

    def of(self, hops: Floats) -> Floats:
        """(n, samples) → (n,) factors, each of its hop and those before."""
        gains_db = [self._follow(level_dbfs) for level_dbfs in _level_dbfs(hops).tolist()]
        return (10 ** (np.array(gains_db) / 20)).astype(np.float32)

    def _follow(self, level_dbfs: float) -> float:
        self._loudest_dbfs = max(level_dbfs, self._loudest_dbfs - FADE_DB)
        return min(max(self._level_dbfs - self._loudest_dbfs, 0.0), self._most_db)


def _level_dbfs(hops: Floats) -> npt.NDArray[np.float64]:
    """(n, samples) → (n,) mean powers."""
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.square(hops.astype(np.float64)).mean(axis=1) + SILENCE)
    return levels


@lru_cache(maxsize=4)  # shared by all streams: a session holds no state, and one is built for each stretch
def _session(path: Path) -> InferenceSession:
    import onnxruntime  # takes longer to import than all the rest

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises kinds of its own, which share no other base
        raise ModelError(f"model file '{path}' holds no network", got=str(error)) from None


@hookimpl
def stimmung_detector() -> type[Detector]:
    return SileroDetector

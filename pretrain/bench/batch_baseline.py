"""What one would write without this project: openSMILE and a scikit-learn SVM over files, in processes.

It stands here to be measured against, and does what the default pipeline does: a decision every second
over the last five, or, when told so, one decision a recording.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from stimmung.engine.types import Floats
from stimmung.engine.workers.resources import one_thread

RATE, WINDOW_S, HOP_S = 16000, 5, 1
TRAINED_ON = 40  # windows; the labels do not matter here, the time to predict does not depend on them


class Plain:
    """The extractor and the classifier of one process."""

    def __init__(self, files: Sequence[str], rolling: bool) -> None:
        import opensmile
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import LinearSVC

        self._smile = opensmile.Smile(
            feature_set=opensmile.FeatureSet.ComParE_2016,
            feature_level=opensmile.FeatureLevel.Functionals,
        )
        self._rolling = rolling
        rows = np.vstack([self._features(read(file)) for file in files[:TRAINED_ON]])
        labels = np.arange(len(rows)) % 4
        self._machine = make_pipeline(StandardScaler(), LinearSVC(C=1e-4, tol=1e-2)).fit(rows, labels)

    def decide(self, file: str) -> int:
        """How many decisions were made about a file."""
        samples = read(file)
        windows = list(_windows(samples)) if self._rolling else [samples]
        return len(self._machine.predict(np.vstack([self._features(window) for window in windows])))

    def _features(self, samples: Floats) -> Any:
        return np.nan_to_num(self._smile.process_signal(samples, RATE).to_numpy())


def read(file: str) -> Floats:
    """(n,) samples of a 16 kHz file."""
    samples: Floats = soundfile.read(file, dtype="float32", always_2d=True)[0].mean(axis=1)
    return samples


def _windows(samples: Floats) -> Iterator[Floats]:
    hop, window = HOP_S * RATE, WINDOW_S * RATE
    ends = list(range(hop, len(samples) + 1, hop))
    if not ends or ends[-1] < len(samples):
        ends.append(len(samples))
    for end in ends:
        yield samples[max(0, end - window) : end]


_plain: list[Plain] = []


def _begin(files: Sequence[str], rolling: bool) -> None:
    _plain.append(Plain(files, rolling))


def _decide(file: str) -> int:
    return _plain[0].decide(file)


def run(files: Sequence[str], workers: int, *, rolling: bool) -> int:
    """All decisions about all files, in ``workers`` processes."""
    os.environ.update(one_thread())
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (list(files), rolling)) as pool:
        return sum(pool.map(_decide, files, chunksize=8))


def audio_s(files: Sequence[str]) -> float:
    """Seconds of audio in all files."""
    return float(sum(soundfile.info(file).duration for file in files))


def below(folder: Path) -> list[str]:
    """The audio files below a folder, in order."""
    return sorted(str(path) for path in folder.rglob("*") if path.suffix in (".wav", ".flac"))

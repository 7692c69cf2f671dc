"""How well a pretrained network tells men from women it has never heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from stimmung.engine.audio.ingest import read_audio
from stimmung.engine.runtime.host import open_source
from stimmung.engine.types import Floats
from stimmung.plugins.extract.sample_cnn.network import Gender

from ..corpora.corpus import Corpus
from ..corpora.layouts.librispeech import LABELS
from ..statistics import metrics
from ..statistics.bootstrap import by_cluster, interval


def evaluate_gender(
    gender: Gender,
    corpus: Corpus,
    rate: int,
    crop_s: float,
    progress: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Accuracy over whole recordings, crops of them, and voices, with 95 % intervals over speakers.

    A voice is all recordings of a speaker: the mean of their probabilities decides.
    """
    gender.eval()
    window = round(crop_s * rate)
    truth = np.array([LABELS.index(item.label) for item in corpus.items])
    speakers = np.array([item.speaker for item in corpus.items])
    whole, crops, of = [], [], []
    for number, item in enumerate(corpus.items):
        (feed,) = open_source(str(item.file)).feeds()
        samples = torch.from_numpy(np.array(read_audio(feed, rate)))
        pieces = [crop for crop in torch.split(samples, window) if len(crop) >= min(window, len(samples))]
        with torch.inference_mode():
            whole.append(gender(samples[None])[0].numpy())
            crops += [gender(piece[None])[0].numpy() for piece in pieces]
        of += [number] * len(pieces)
        if progress is not None:
            progress(number + 1, len(corpus.items), "tested")
    names, first = np.unique(speakers, return_index=True)
    voices = [np.mean(np.array(whole)[speakers == name], axis=0) for name in names]
    return {
        "recordings": _figures(truth, whole, speakers),
        f"crops of {crop_s:g} s": _figures(truth[of], crops, speakers[of]),
        "voices": _figures(truth[first], voices, names),
    }


def _figures(truth: metrics.Ints, probabilities: Sequence[Floats], speakers: Any) -> dict[str, Any]:
    each = metrics.one_hot(truth, np.argmax(probabilities, axis=1), len(LABELS))
    return {
        "n": len(truth),
        "accuracy": float(metrics.wa_of(each.sum(axis=0))),
        "accuracy_ci95": interval(by_cluster(speakers, each), metrics.wa_of),
    }

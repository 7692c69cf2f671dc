"""Each speaker's recordings one after another as a stream: what a classifier meets that is normalised by it.

A recording's rows see the recordings before it, and themselves, never those after. The numbers are those of
:class:`stimmung.engine.streaming.speaker.normaliser.Normaliser`, so what trains is what runs.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from stimmung.engine.models.statistics import OffsetModel, Population
from stimmung.engine.streaming.speaker.normaliser import Normaliser
from stimmung.engine.streaming.speaker.offset import InferredOffset
from stimmung.engine.types import Floats

from ..corpora.corpus import Corpus
from .extraction import FeatureTable

Ints = npt.NDArray[np.int64]
TRAINING_ORDER = 1000  # the seed of the training speakers' order, no test's


def populations(
    rows: FeatureTable, corpus: Corpus, speakers: Sequence[str], prior_s: float
) -> list[Population | None]:
    """What each input is like over these speakers' whole recordings.

    None for one that is no vector, and for sentences: what is said is no trait of whoever says it. Every
    speaker counts the same, however much they say.
    """
    own = [
        np.flatnonzero(rows.whole & (_names(rows, corpus) == speaker)) for speaker in sorted(set(speakers))
    ]
    found: list[Population | None] = []
    for entry, matrix in zip(rows.inputs, rows.features, strict=True):
        if matrix.ndim != 2 or entry.name in rows.texts:
            found.append(None)
            continue
        groups = [matrix[chosen].astype(np.float64) for chosen in own]
        mean = np.mean([group.mean(axis=0) for group in groups], axis=0)
        several = [group.var(axis=0, ddof=1) for group in groups if len(group) > 1]
        variance = np.mean(several, axis=0) if several else np.concatenate(groups).var(axis=0)
        found.append(Population.of(mean, np.sqrt(variance), prior_s))
    return found


def streamed(
    rows: FeatureTable, corpus: Corpus, speakers: Sequence[str], found: Sequence[Population | None], seed: int
) -> FeatureTable:
    """The rows of these speakers normalised as a live stream of their recordings, in a seeded order, is."""
    features = [
        matrix.copy() if one is not None else matrix for matrix, one in zip(rows.features, found, strict=True)
    ]
    for speaker in sorted(set(speakers)):
        for matrix, raw, population in zip(features, rows.features, found, strict=True):
            if population is not None:
                normaliser = Normaliser(population)
                for item in recordings(rows, corpus, speaker, seed):
                    _recording(normaliser, matrix, raw, rows, np.flatnonzero(rows.item == item))
    return replace(rows, features=features)


def with_evidence(
    rows: FeatureTable, corpus: Corpus, speakers: Sequence[str], offset: OffsetModel, seed: int
) -> FeatureTable:
    """The rows, and beside their input the log posteriors that a live stream of the recordings infers.

    Each of these speakers' recordings are one stream in a seeded order. A whole recording counts for 1, a
    window for the share of it that is new speech.
    """
    (matrix,) = rows.features
    found = np.zeros((len(matrix), len(offset.labels)), np.float32)
    for speaker in sorted(set(speakers)):
        heard = InferredOffset(offset)
        for item in recordings(rows, corpus, speaker, seed):
            own = np.flatnonzero(rows.item == item)
            for length in _lengths(rows, own):
                alone = heard if length == 0 else heard.copy()
                for row in own[rows.window_s[own] == length]:
                    speech_s = float(rows.speech_s[row])
                    weight = min(1.0, speech_s / length) if length else float(speech_s > 0)
                    found[row] = alone.evidence(matrix[row], weight, True, speech_s)
    return replace(rows, features=[matrix, found])


def by_speaker(
    rows: FeatureTable, corpus: Corpus, speakers: Sequence[str], found: Sequence[Population | None]
) -> FeatureTable:
    """The rows of these speakers normalised by all of each speaker's whole recordings."""
    features = [
        matrix.copy() if one is not None else matrix for matrix, one in zip(rows.features, found, strict=True)
    ]
    names = _names(rows, corpus)
    for speaker in sorted(set(speakers)):
        own = names == speaker
        for matrix, population in zip(features, found, strict=True):
            if population is None or not own.any():
                continue
            centre, spread = (np.frombuffer(part, "<f4") for part in (population.mean, population.deviation))
            reference = matrix[own & rows.whole].astype(np.float64)
            deviation = reference.std(axis=0)
            standard = (matrix[own] - reference.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
            matrix[own] = centre + spread * standard
    return replace(rows, features=features)


def recordings(rows: FeatureTable, corpus: Corpus, speaker: str, seed: int) -> list[int]:
    """A speaker's recordings in the order of that seed, which depends on no other speaker."""
    own = np.unique(rows.item[_names(rows, corpus) == speaker])
    random = np.random.default_rng([seed, zlib.crc32(speaker.encode())])
    return [int(item) for item in random.permutation(own)]


def places(rows: FeatureTable, corpus: Corpus, speakers: Sequence[str], orders: Sequence[int]) -> Ints:
    """(orders, n): the place in its speaker's stream of each row's recording, from 1; 0 for others' rows."""
    found = np.zeros((len(orders), len(rows.item)), np.int64)
    for speaker in sorted(set(speakers)):
        for order, seed in enumerate(orders):
            for place, item in enumerate(recordings(rows, corpus, speaker, seed), start=1):
                found[order, rows.item == item] = place
    return found


def _recording(normaliser: Normaliser, matrix: Floats, raw: Floats, rows: FeatureTable, own: Ints) -> None:
    """Windows of each length are heard as if they alone came after what was before; the whole one stays."""
    for length in _lengths(rows, own):
        alone = normaliser if length == 0 else normaliser.copy()
        for row in own[rows.window_s[own] == length]:
            matrix[row] = alone.add(raw[row], float(rows.speech_s[row]))


def _lengths(rows: FeatureTable, own: Ints) -> Iterator[float]:
    """The whole recording last."""
    yield from sorted((float(length) for length in np.unique(rows.window_s[own])), reverse=True)


def _names(rows: FeatureTable, corpus: Corpus) -> npt.NDArray[np.str_]:
    return np.array([corpus.items[position].speaker for position in rows.item])

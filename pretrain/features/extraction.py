"""Features of a corpus, from the same engine that computes them live."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from stimmung.engine.audio.ingest import read_audio
from stimmung.engine.batch.feature_cache import FeatureCache
from stimmung.engine.config.schema import ActivityTable, Description, PluginTable, SegmentsTable, StreamTable
from stimmung.engine.errors import ConfigError, PluginError, ProtocolError
from stimmung.engine.models.cards import content
from stimmung.engine.plugin import Input, TextExtractor
from stimmung.engine.registry import build
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.types import Chunk, Fault, Features, Floats

from ..corpora.corpus import Corpus, Item
from ..recipes.recipe import Extraction

Progress = Callable[[int, int, str], None]
SENTENCES = 512  # at once
DETECTOR = "webrtc"  # of speech, where it is to be counted


@dataclass(frozen=True, slots=True)
class Rows:
    """Feature vectors of a corpus: ``features`` holds one (n, dim) matrix for each of ``inputs``.

    ``item`` (n,) is the position of each row's recording in the corpus; ``window_s`` (n,) is the
    length of the window the row was computed from, 0 for the whole recording. ``hours`` is the length
    of all recordings. ``speech_s`` (n,), where it is known: the seconds of speech that each row is the first
    of its recording's rows of that length to hold. ``texts`` are the inputs that are made of sentences: their
    rows are NaN where nothing was said. ``copies`` are rows of the same recordings at other speeds, to be
    trained on and never tested.
    """

    inputs: tuple[Input, ...]
    features: list[Floats]
    item: npt.NDArray[np.int64]
    window_s: npt.NDArray[np.float64]
    hours: float
    speech_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    texts: frozenset[str] = frozenset()
    copies: tuple[Rows, ...] = ()

    @property
    def whole(self) -> npt.NDArray[np.bool_]:
        """Which rows are of whole recordings."""
        return np.equal(self.window_s, 0)

    def of(self, chosen: npt.NDArray[np.bool_]) -> list[Floats]:
        """The chosen rows of every input."""
        return [matrix[chosen] for matrix in self.features]

    def among(self, chosen: npt.NDArray[np.bool_]) -> Rows:
        """The chosen rows alone, and all copies."""
        return replace(
            self,
            features=self.of(chosen),
            item=self.item[chosen],
            window_s=self.window_s[chosen],
            speech_s=self.speech_s[chosen] if len(self.speech_s) else self.speech_s,
        )


def compute(recipe: Extraction, corpus: Corpus, progress: Progress, cache: Path | None = None) -> Rows:
    """One row for each recording, and one for each window that the recipe cuts from it.

    Features are kept in the folder ``cache``, if there is one, and what is known there is not extracted.
    Raises InputError for audio that cannot be used, ProtocolError when two speakers share a recording.
    """
    vectors: list[dict[str, Floats]] = []
    item, window_s, speech_s, samples = [], [], [], 0
    owner: dict[bytes, int] = {}
    with ExitStack() as stack:
        whole, *windows = [
            stack.enter_context(Listening(description, cache)) for description in descriptions(recipe)
        ]
        for position, entry in enumerate(corpus.items):
            digest = hashlib.sha256()
            ((features, length, speech),) = whole.segments(entry, digest)
            refuse_shared(corpus, owner.setdefault(digest.digest(), position), position)
            samples += length
            found = [(0.0, features, speech)]
            for listening, size_s in zip(windows, recipe.windows_s, strict=True):
                if length > size_s * recipe.rate:
                    found += [(size_s, features, speech) for features, _, speech in listening.segments(entry)]
            vectors += [features for _, features, _ in found]
            window_s += [size_s for size_s, _, _ in found]
            speech_s += [speech / recipe.rate for _, _, speech in found]
            item += [position] * len(found)
            progress(position + 1, len(corpus.items), "features")
        facts = [whole.host.bus.facts[table.name] for table in recipe.extractors]
    return Rows(
        inputs=tuple(Input(fact.name, fact.dim, fact.version) for fact in facts),
        features=[np.stack([row[fact.name] for row in vectors]) for fact in facts],
        item=np.array(item),
        window_s=np.array(window_s),
        hours=samples / recipe.rate / 3600,
        speech_s=np.array(speech_s),
    )


def compute_sentences(recipe: Extraction, corpus: Corpus, progress: Progress) -> Rows:
    """One row for each sentence; raises ConfigError when an extractor of the recipe reads no sentences."""
    texts = [item.text or "" for item in corpus.items]
    inputs, features = [], []
    for table in recipe.extractors:
        plugin = build("extractor", table.plugin, table.options)
        if not isinstance(plugin, TextExtractor):
            raise ConfigError(
                f"extractor '{table.plugin}' reads no sentences",
                got=f"corpus '{corpus.name}', which holds no audio",
            )
        inputs.append(Input(table.name, plugin.dim, plugin.version))
        parts = []
        for at in range(0, len(texts), SENTENCES):
            parts.append(plugin.encode(texts[at : at + SENTENCES]))
            progress(min(at + SENTENCES, len(texts)), len(texts), "features")
        features.append(np.concatenate(parts))
    count = len(texts)
    return Rows(tuple(inputs), features, np.arange(count), np.zeros(count), 0.0)


def joined(kinds: Sequence[Rows]) -> Rows:
    """The rows of one corpus in several versions, one after another: (kinds * n) of them."""
    return replace(
        kinds[0],
        features=[
            np.concatenate(versions) for versions in zip(*(one.features for one in kinds), strict=True)
        ],
        item=np.concatenate([one.item for one in kinds]),
        window_s=np.concatenate([one.window_s for one in kinds]),
        speech_s=np.concatenate([one.speech_s for one in kinds]),
        copies=(),
    )


def standardise_by_speaker(rows: Rows, speakers: Sequence[str]) -> Rows:
    """Every feature with mean 0 and deviation 1 over the whole recordings of each speaker.

    ``speakers`` are those of the corpus' items.
    """
    speaker_of = np.asarray(speakers)[rows.item]
    features = [matrix.copy() for matrix in rows.features]
    for matrix in features:
        for speaker in np.unique(speaker_of):
            own = speaker_of == speaker
            reference = matrix[own & rows.whole].astype(np.float64)
            deviation = reference.std(axis=0)
            matrix[own] = (matrix[own] - reference.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return replace(rows, features=features)


def descriptions(recipe: Extraction) -> Iterator[Description]:
    """A pipeline without classifiers for whole recordings, and one for each length of window.

    Voice activity says what counts as speech; nothing is passed over as silent.
    """
    detected = recipe.by_stream
    activity = ActivityTable(detector=PluginTable(plugin=DETECTOR, name=DETECTOR), min_speech=0)
    segments = [SegmentsTable(kind="whole", shortest_s=recipe.shortest_s)]
    segments += [SegmentsTable(window_s=s, hop_s=s / 2, shortest_s=s) for s in recipe.windows_s]
    for table in segments:
        yield Description(
            stream=StreamTable(rate=recipe.rate),
            segments=table,
            extractors=recipe.extractors,
            activity=activity if detected else None,
        )


class Listening:
    """A pipeline that recordings are heard through, and the features known of them; close it when done."""

    def __init__(self, description: Description, cache: Path | None) -> None:
        self.host = Host(description)
        self._cache = None if cache is None else FeatureCache(cache, description, self.host.bus.facts)

    def segments(
        self, item: Item, digest: hashlib._Hash | None = None
    ) -> list[tuple[dict[str, Floats], int, int]]:
        """(features by input, length, new speech, both in samples) of each segment of a recording."""
        (feed,) = open_source(str(item.file)).feeds()
        heard = "" if self._cache is None else _heard(item)
        known = {} if self._cache is None else self._cache.read(heard)
        found: dict[int, tuple[dict[str, Floats], int, int]] = {}
        new: dict[str, dict[tuple[int, int], Floats]] = {}
        stream = self.host.stream(str(item.file), features=True, known=known)
        for output in stream.play(_tapped(part(feed.chunks, item), digest)):
            if isinstance(output, Fault):
                raise PluginError(f"'{item.file}' has no features from '{output.plugin}'", got=output.error)
            if isinstance(output, Features):
                features, *_ = found.setdefault(output.index, ({}, output.span.length, output.speech))
                features[output.extractor] = output.values
                new.setdefault(output.extractor, {})[output.span.start, output.span.stop] = output.values
        if self._cache is not None:
            for name in self._cache.names - known.keys():
                self._cache.write(heard, name, new.get(name, {}))
        return list(found.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.host.close()


def _heard(item: Item) -> str:
    """What a cache knows a recording's features by."""
    own = f"{content(item.file)} {item.start_s} {item.stop_s}"
    return own if item.speed == 1 else f"{own} at {item.speed}"


def item_audio(item: Item, rate: int) -> Floats:
    """The samples of a recording, as it is heard."""
    (feed,) = open_source(str(item.file)).feeds()
    return read_audio(replace(feed, chunks=part(feed.chunks, item)), rate)


def part(chunks: Iterable[Chunk], item: Item) -> Iterator[Chunk]:
    """The audio between the item's bounds, all of it where it has none, at its speed."""
    position = 0
    for chunk in chunks:
        start = round(item.start_s * chunk.rate) - position
        stop = len(chunk.samples) if item.stop_s is None else round(item.stop_s * chunk.rate) - position
        position += len(chunk.samples)
        samples = chunk.samples[max(0, start) : max(0, stop)]
        if len(samples):
            yield replace(chunk, samples=samples, start=None, rate=round(item.speed * chunk.rate))


def _tapped(chunks: Iterable[Chunk], digest: hashlib._Hash | None) -> Iterator[Chunk]:
    for chunk in chunks:
        if digest is not None:
            digest.update(chunk.samples.tobytes())
        yield chunk


def refuse_shared(corpus: Corpus, first: int, second: int) -> None:
    one, other = corpus.items[first], corpus.items[second]
    if one.speaker != other.speaker:
        raise ProtocolError(
            f"speakers {one.speaker} and {other.speaker} share a recording",
            got=f"the same audio in '{one.file}' and '{other.file}'",
            remedy="drop one of them, or training and test overlap",
        )

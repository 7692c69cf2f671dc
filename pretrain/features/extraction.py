"""Features of a corpus, from the same engine that computes them live."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from msgspec import UNSET
from stimmung.engine.batch.feature_cache import FeatureCache
from stimmung.engine.calls.spec import PluginSpec
from stimmung.engine.config.schema import (
    ActivityTable,
    PipelineConfig,
    PluginTable,
    SegmentsTable,
    StreamTable,
)
from stimmung.engine.errors import ConfigError, InputError, PluginError, ProtocolError
from stimmung.engine.plugin import Input, TextExtractor
from stimmung.engine.registry import build
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Fault, Features, Floats

from ..corpora.corpus import Corpus, Item
from ..recipes.recipe import Extraction
from .audio import Meter, heard, identity
from .conditions import paused
from .kept_rows import Kept, RowCache, Vector

Progress = Callable[[int, int, str], None]
SENTENCES = 512  # at once
DETECTOR = "webrtc"  # of speech, where it is to be counted


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Feature vectors of a corpus: ``features`` holds one (n, dim) matrix for each of ``inputs``.

    ``item`` (n,) is the position of each row's recording in the corpus; ``window_s`` (n,) is the
    length of the window the row was computed from, 0 for the whole recording or one of its turns. ``hours``
    is the length of all recordings. ``speech_s`` (n,), where it is known: the seconds of speech that each
    row is the first of its recording's rows of that length to hold. ``texts`` are the inputs that are made
    of sentences: their rows are NaN where nothing was said. ``copies`` are rows of copies of the recordings,
    to be trained on and never tested; ``copy`` (n,) names the copy that each row is of, "" for recordings as
    they are.
    """

    inputs: tuple[Input, ...]
    features: list[Floats]
    item: npt.NDArray[np.int64]
    window_s: npt.NDArray[np.float64]
    hours: float
    speech_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    texts: frozenset[str] = frozenset()
    copies: tuple[FeatureTable, ...] = ()
    copy: npt.NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, np.str_))

    @property
    def whole(self) -> npt.NDArray[np.bool_]:
        """Which rows are of whole recordings or turns."""
        return np.equal(self.window_s, 0)

    @property
    def copy_of(self) -> npt.NDArray[np.str_]:
        """(n,): ``copy``, also where no row is of a copy."""
        return self.copy if len(self.copy) else np.full(len(self.item), "")

    def of(self, chosen: npt.NDArray[np.bool_]) -> list[Floats]:
        """The chosen rows of every input."""
        return [matrix[chosen] for matrix in self.features]

    def among(self, chosen: npt.NDArray[np.bool_]) -> FeatureTable:
        """The chosen rows alone, and all copies."""
        return replace(
            self,
            features=self.of(chosen),
            item=self.item[chosen],
            window_s=self.window_s[chosen],
            speech_s=self.speech_s[chosen] if len(self.speech_s) else self.speech_s,
            copy=self.copy[chosen] if len(self.copy) else self.copy,
        )


def compute(
    recipe: Extraction, corpus: Corpus, progress: Progress, cache: Path | None = None
) -> FeatureTable:
    """One row for each recording and one for each window that the recipe cuts from it, or one for each turn.

    Where the recipe has segments, a recording has as many rows as it has segments with speech, or none.
    Features are kept in the folder ``cache``, if there is one, and what is known there is not extracted.
    Raises InputError for audio that cannot be used, ProtocolError when two speakers share a recording.
    """
    vectors: list[Vector] = []
    item: list[int] = []
    hours = 0.0
    owner: dict[str, int] = {}
    with Windowed(recipe, cache) if recipe.segments is UNSET else Segmented(recipe, cache) as hearing:
        for position, entry in enumerate(corpus.items):
            found = hearing.rows(entry)
            refuse_shared(corpus, owner.setdefault(found.digest, position), position)
            hours += found.seconds / 3600
            vectors += found.vectors
            item += [position] * len(found.vectors)
            progress(position + 1, len(corpus.items), "features")
        facts = [hearing.facts[table.name] for table in recipe.extractors]
    if not vectors:
        raise InputError(
            f"no speech is heard in any recording of corpus '{corpus.name}'",
            got=f"{len(corpus.items)} recordings",
            remedy="lower the thresholds of [activity], or set whole_if_unheard in its [[corpora]] table",
        )
    return FeatureTable(
        inputs=tuple(Input(fact.name, fact.dim, fact.version) for fact in facts),
        features=[np.stack([vector.features[fact.name] for vector in vectors]) for fact in facts],
        item=np.array(item),
        window_s=np.array([vector.window_s for vector in vectors]),
        hours=hours,
        speech_s=np.array([vector.speech / recipe.rate for vector in vectors]),
    )


def compute_sentences(recipe: Extraction, corpus: Corpus, progress: Progress) -> FeatureTable:
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
    return FeatureTable(tuple(inputs), features, np.arange(count), np.zeros(count), 0.0)


def joined(kinds: Sequence[FeatureTable]) -> FeatureTable:
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
        copy=np.concatenate([one.copy_of for one in kinds]),
    )


def standardise_by_speaker(rows: FeatureTable, speakers: Sequence[str]) -> FeatureTable:
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


def descriptions(recipe: Extraction) -> Iterator[PipelineConfig]:
    """A pipeline without classifiers for whole recordings, and one for each length of window.

    Voice activity says what counts as speech; nothing is passed over as silent.
    """
    detected = recipe.by_stream
    activity = ActivityTable(detector=PluginTable(plugin=DETECTOR, name=DETECTOR), min_speech=0)
    segments = [SegmentsTable(kind="whole", shortest_s=recipe.shortest_s)]
    segments += [SegmentsTable(window_s=s, hop_s=s / 2, shortest_s=s) for s in recipe.windows_s]
    for table in segments:
        yield _description(recipe, table, activity if detected else None)


def _description(
    recipe: Extraction, segments: SegmentsTable, activity: ActivityTable | None
) -> PipelineConfig:
    return PipelineConfig(
        stream=StreamTable(rate=recipe.rate),
        segments=segments,
        extractors=recipe.extractors,
        activity=activity,
    )


class Hearing(ABC):
    """Pipelines that make the rows of a recording; a context that ends them."""

    def __init__(self, recipe: Extraction, cache: Path | None) -> None:
        self._rate, self._recipe, self._cache, self._open = recipe.rate, recipe, cache, ExitStack()
        self._kept: RowCache | None = None

    def rows(self, entry: Item) -> Kept:
        """The rows of a recording, kept or made."""
        if self._cache is not None and self._kept is None:
            self._kept = RowCache(self._cache, self._recipe, self.facts)
        known = f"{identity(entry)} {self.kind(entry)}"
        found = None if self._kept is None else self._kept.read(known)
        if found is not None:
            return found
        meter = Meter()
        found = Kept(self.vectors(entry, meter), meter.digest.hexdigest(), meter.seconds)
        if self._kept is not None:
            self._kept.write(known, found)
        return found

    def kind(self, entry: Item) -> str:
        """What is made of a recording beyond what its recipe says for all."""
        return ""

    @abstractmethod
    def vectors(self, entry: Item, meter: Meter) -> list[Vector]:
        """The rows of a recording, which the ``meter`` sees once."""

    @property
    @abstractmethod
    def facts(self) -> Mapping[str, PluginSpec]:
        """The extractors by name."""

    def _listening(self, description: PipelineConfig) -> Listening:
        return self._open.enter_context(Listening(description, self._cache))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


class Windowed(Hearing):
    """Whole recordings and windows of them."""

    def __init__(self, recipe: Extraction, cache: Path | None) -> None:
        super().__init__(recipe, cache)
        self._windows_s = recipe.windows_s
        self._whole, *self._windows = [self._listening(one) for one in descriptions(recipe)]

    @property
    def facts(self) -> Mapping[str, PluginSpec]:
        return self._whole.host.bus.facts

    def vectors(self, entry: Item, meter: Meter) -> list[Vector]:
        found = self._whole.segments(entry, meter)
        (length,) = (vector.length for vector in found)
        for listening, size_s in zip(self._windows, self._windows_s, strict=True):
            if length > size_s * self._rate:
                found += [replace(window, window_s=size_s) for window in listening.segments(entry)]
        return found


class Segmented(Hearing):
    """What a pipeline as it runs live cuts from a recording between pauses: all segments with speech.

    One in which nothing is heard has no row, or is heard as a whole and by itself if its corpus says so.
    """

    def __init__(self, recipe: Extraction, cache: Path | None) -> None:
        super().__init__(recipe, cache)
        assert recipe.segments is not UNSET
        activity = None if recipe.activity is UNSET else recipe.activity
        self._segments = self._listening(_description(recipe, recipe.segments, activity))
        self._wholly = {table.name for table in recipe.corpora if table.whole_if_unheard}
        if self._wholly:
            whole = SegmentsTable(kind="whole", shortest_s=recipe.shortest_s)
            self._whole = self._listening(_description(recipe, whole, None))

    @property
    def facts(self) -> Mapping[str, PluginSpec]:
        return self._segments.host.bus.facts

    def kind(self, entry: Item) -> str:
        return "whole if unheard" if entry.corpus in self._wholly else ""

    def vectors(self, entry: Item, meter: Meter) -> list[Vector]:
        found = self._segments.segments(paused(entry), meter)
        if not found and self.kind(entry):
            return self._whole.segments(entry)
        return found


class Listening:
    """A pipeline that recordings are heard through, and the features known of them; close it when done."""

    def __init__(self, description: PipelineConfig, cache: Path | None) -> None:
        self.host = Host(description)
        self._rate = description.stream.rate
        self._cache = None if cache is None else FeatureCache(cache, description, self.host.bus.facts)

    def segments(self, item: Item, meter: Meter | None = None) -> list[Vector]:
        """The settled segments of a recording that hold speech."""
        known = {} if self._cache is None else self._cache.read(identity(item))
        found: dict[int, Vector] = {}
        new: dict[str, dict[tuple[int, int], Floats]] = {}
        stream = self.host.stream(str(item.file), features=True, known=known)
        for output in stream.play(heard(item, self._rate, meter)):
            if isinstance(output, Fault):
                raise PluginError(f"'{item.file}' has no features from '{output.plugin}'", got=output.error)
            if not isinstance(output, Features):
                continue
            new.setdefault(output.extractor, {})[output.span.start, output.span.stop] = output.values
            if output.settled:
                found.setdefault(output.index, Vector({}, output.span.length, output.speech))
                found[output.index].features[output.extractor] = output.values
        if self._cache is not None:
            for name in self._cache.names - known.keys():
                self._cache.write(identity(item), name, new.get(name, {}))
        return list(found.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.host.close()


def refuse_shared(corpus: Corpus, first: int, second: int) -> None:
    one, other = corpus.items[first], corpus.items[second]
    if one.speaker != other.speaker:
        raise ProtocolError(
            f"speakers {one.speaker} and {other.speaker} share a recording",
            got=f"the same audio in '{one.file}' and '{other.file}'",
            remedy="drop one of them, or training and test overlap",
        )

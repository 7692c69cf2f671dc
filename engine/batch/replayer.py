"""One file of a corpus as one stream, from its path to plain records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import numpy as np

from ..config.schema import PipelineConfig
from ..errors import InputError, StimmungError
from ..models.cards import content
from ..plugin import Feed
from ..runtime.host import Host
from ..storage.records import record
from ..streaming.pipeline import PrecomputedFeatures
from ..types import Chunk, EmotionState, Fault, Features, Floats, Output, Prediction
from .feature_cache import FeatureCache
from .manifest import ManifestEntry, Opener, list_entries


class FeatureRow(msgspec.Struct, array_like=True):
    """One extractor's vector of one segment; ``values`` are little-endian float32."""

    extractor: str
    start: int
    stop: int
    values: bytes


class ReplayResult(msgspec.Struct):
    """All that came of one file, as plain records."""

    stream: str
    states: list[dict[str, Any]] = []
    predictions: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    features: list[FeatureRow] = []
    ledger: dict[str, dict[str, Any]] = {}
    audio_s: float = 0.0
    restarts: int = 0


class ReplayJob(msgspec.Struct, frozen=True):
    """How files are to be replayed: all that another process needs to know beside the files.

    With ``features`` these are part of what comes of a file; ``cache`` is the folder to keep them in.
    """

    description: PipelineConfig
    chunk_ms: float | None = None
    features: bool = False
    cache: str | None = None


class Replayer:
    """Replays items, each as a fresh stream of one host; a context that closes it."""

    def __init__(self, job: ReplayJob) -> None:
        self._job = job
        self._opener = Opener(job.chunk_ms)
        self.host = Host(job.description)
        self._restarts = 0
        self._cache: FeatureCache | None = None
        if job.cache is not None:
            self._cache = FeatureCache(Path(job.cache), job.description, self.host.bus.facts)

    def replay(self, item: ManifestEntry) -> ReplayResult:
        """All that comes of one item."""
        try:
            feed = self._opener.open(item)
            finished = replay_feed(self.host, feed, features=self._job.features, cache=self._cache)
        except InputError as error:
            finished = ReplayResult(item.stream, errors=[_error(item.stream, error)])
        finished.restarts, self._restarts = self.host.restarts - self._restarts, self.host.restarts
        return finished

    def __enter__(self) -> Replayer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.host.close()


def feeds(paths: Sequence[str], chunk_ms: float | None) -> Iterator[Feed]:
    """Every file below every path, in order; a path that cannot be opened is a feed that fails."""
    opener = Opener(chunk_ms)
    for item in list_entries(paths):
        try:
            yield opener.open(item)
        except InputError as error:
            yield Feed(item.stream, _Failing(error))


def replay_feed(
    host: Host, feed: Feed, *, features: bool = False, cache: FeatureCache | None = None
) -> ReplayResult:
    """One file through a fresh stream of ``host``; with a cache, what it knows is not extracted again."""
    finished = ReplayResult(feed.stream)
    digest, known = _known(feed, cache)
    heard: dict[str, dict[tuple[int, int], Floats]] = {}
    try:
        stream = host.stream(
            feed.stream, origin=feed.origin, features=features or cache is not None, known=known
        )
    except InputError as error:
        finished.errors.append(_error(feed.stream, error))
        return finished
    try:
        for output in stream.play(feed.chunks):
            if not isinstance(output, Features):
                _keep(finished, output)
                continue
            heard.setdefault(output.extractor, {})[output.span.start, output.span.stop] = output.values
            if features:
                values = np.ascontiguousarray(output.values, "<f4").tobytes()
                finished.features.append(
                    FeatureRow(output.extractor, output.span.start, output.span.stop, values)
                )
    except StimmungError as error:
        finished.errors.append(_error(feed.stream, error))
    finished.ledger = stream.pipeline.ledger.record()
    finished.audio_s = stream.heard_s
    if cache is not None and digest and not finished.errors:
        for name in cache.names - known.keys():
            cache.write(digest, name, heard.get(name, {}))
    return finished


def _known(feed: Feed, cache: FeatureCache | None) -> tuple[str, Mapping[str, PrecomputedFeatures]]:
    if cache is None or feed.origin is None:
        return "", {}
    try:
        digest = content(feed.origin)
    except OSError:
        return "", {}  # whoever reads the audio says what is wrong with it
    return digest, cache.read(digest)


def _keep(finished: ReplayResult, output: Output) -> None:
    if isinstance(output, EmotionState):
        finished.states.append(record(output))
    elif isinstance(output, Prediction):
        finished.predictions.append(record(output))
    elif isinstance(output, Fault):
        where = {"start_s": output.span.start_s, "stop_s": output.span.stop_s}
        finished.errors.append(
            {"stream": output.stream, **where, "kind": output.reason, "error": output.error}
        )


def _error(stream: str, error: StimmungError) -> dict[str, Any]:
    return {"stream": stream, "kind": type(error).__name__, "error": str(error)}


class _Failing(Iterator[Chunk]):
    """The audio of a path that could not even be opened."""

    def __init__(self, error: InputError) -> None:
        self._error = error

    def __next__(self) -> Chunk:
        raise self._error

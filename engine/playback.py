"""One file of a corpus as one stream, from its path to plain records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from .errors import InputError, StimmungError
from .host import Host, open_source
from .plugin import Feed
from .records import record
from .types import Chunk, EmotionState, Fault, Output, Prediction


class Finished(msgspec.Struct):
    """All that came of one file, as plain records."""

    stream: str
    states: list[dict[str, Any]] = []
    predictions: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    ledger: dict[str, dict[str, Any]] = {}
    audio_s: float = 0.0
    restarts: int = 0


def feeds(paths: Sequence[str], chunk_ms: float | None) -> Iterator[Feed]:
    """Every file below every path, in order; a path that cannot be opened is a feed that fails."""
    for path in paths:
        try:
            for feed in open_source(path, chunk_ms=chunk_ms).feeds():
                inside = Path(path).is_dir()
                stream = f"{path.rstrip('/')}/{feed.stream}" if inside else feed.stream
                yield replace(feed, stream=stream)
        except InputError as error:
            yield Feed(path, _Failing(error))


def replay_feed(host: Host, feed: Feed) -> Finished:
    """One file through a fresh stream of ``host``."""
    finished = Finished(feed.stream)
    try:
        stream = host.stream(feed.stream, origin=feed.origin)
    except InputError as error:
        finished.errors.append({"stream": feed.stream, "kind": type(error).__name__, "error": str(error)})
        return finished
    try:
        for output in stream.play(feed.chunks):
            _keep(finished, output)
    except StimmungError as error:
        finished.errors.append({"stream": feed.stream, "kind": type(error).__name__, "error": str(error)})
    finished.ledger = stream.pipeline.ledger.record()
    finished.audio_s = stream.heard_s
    return finished


def _keep(finished: Finished, output: Output) -> None:
    if isinstance(output, EmotionState):
        finished.states.append(record(output))
    elif isinstance(output, Prediction):
        finished.predictions.append(record(output))
    elif isinstance(output, Fault):
        where = {"start_s": output.span.start_s, "stop_s": output.span.stop_s}
        finished.errors.append(
            {"stream": output.stream, **where, "kind": output.reason, "error": output.error}
        )


class _Failing(Iterator[Chunk]):
    """The audio of a path that could not even be opened."""

    def __init__(self, error: InputError) -> None:
        self._error = error

    def __next__(self) -> Chunk:
        raise self._error

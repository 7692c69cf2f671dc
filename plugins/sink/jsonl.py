"""States, and predictions if asked for, as JSON lines."""

from __future__ import annotations

import sys
from typing import BinaryIO, ClassVar

import msgspec
from stimmung.engine.errors import ConfigError, StimmungError
from stimmung.engine.plugin import Sink, hookimpl
from stimmung.engine.storage.records import record
from stimmung.engine.types import Event, Prediction


class JsonLines:
    """One JSON object a line, UTF-8, as :func:`~stimmung.engine.storage.records.record` describes it.

    ``path`` is a file, replaced if it exists, or ``-`` for standard output; each line is flushed.
    Two runs over the same audio write the same bytes, unless ``timing`` adds the lag of each state.
    """

    api = 1
    name = "jsonl"
    example: ClassVar = {"path": "{folder}/states.jsonl", "predictions": True}

    def __init__(self, path: str = "-", *, predictions: bool = False, timing: bool = False) -> None:
        self._path = path
        self._predictions = predictions
        self._timing = timing
        self._file = _open(path)
        self._closed = False

    def write(self, event: Event) -> None:
        """Appends one line; StimmungError when the file takes no more, BrokenPipeError when nobody reads."""
        if isinstance(event, Prediction) and not self._predictions:
            return
        try:
            self._file.write(msgspec.json.encode(record(event, self._timing)) + b"\n")
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _failure(self._path, error) from error

    def close(self) -> None:
        """Closes the file, not standard output; again does nothing."""
        if self._closed or self._path == "-":
            return
        self._closed = True
        try:
            self._file.close()
        except OSError as error:
            raise _failure(self._path, error) from error


def _open(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdout.buffer
    try:
        return open(path, "wb")
    except OSError as error:
        raise ConfigError(
            f"sink 'jsonl' cannot write '{path}'",
            got=error.strerror or str(error),
            remedy="choose a path in a folder that exists and may be written",
        ) from error


def _failure(path: str, error: OSError) -> StimmungError:
    where = "standard output" if path == "-" else f"'{path}'"
    return StimmungError(f"sink 'jsonl' can no longer write to {where}", got=error.strerror or str(error))


@hookimpl
def stimmung_sink() -> type[Sink]:
    return JsonLines

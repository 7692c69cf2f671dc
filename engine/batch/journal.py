"""What a replay has finished, kept as it goes, so that nothing is computed twice after a crash.

The first line says what is replayed; each other line is one finished item, in the order in which they
finished, written whole before the next is begun. A line the crash cut short is dropped. An item counts as
finished while its file has the size and the time of modification it had then.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import msgspec

from ..errors import ConfigError
from .manifest import ManifestEntry
from .replayer import ReplayResult

MISSING = -1


class Entry(msgspec.Struct):
    """One line: an item as it was when it was listed, and what came of it."""

    stream: str
    size: int
    modified_ns: int
    finished: msgspec.Raw = msgspec.Raw(b"null")


class Mark(msgspec.Struct):
    """As much of a line as tells which item it is."""

    stream: str
    size: int
    modified_ns: int


class Journal:
    """The finished items of one replay, by their position in ``items``; a context that closes the file.

    ``what`` is all that decides what comes of an item. Raises ConfigError when the journal at ``path`` is
    of another replay, which would be lost.
    """

    def __init__(self, path: Path, what: dict[str, Any], items: Sequence[ManifestEntry]) -> None:
        self.path = path
        self._items = items
        self._offsets = array("q", [MISSING]) * len(items)
        head = msgspec.json.encode(what, order="sorted") + b"\n"
        self._file: BinaryIO = path.open("r+b" if path.exists() else "w+b")
        first = self._file.readline()
        if first.endswith(b"\n") and first != head:
            self._file.close()
            raise ConfigError(
                f"'{path}' holds the unfinished replay of something else",
                got="another pipeline, model, version or option",
                remedy="finish that one first, choose another --out, or delete the file",
            )
        if first == head:
            self._resume(len(head))
        else:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(head)
            self._file.flush()

    def add(self, number: int, finished: bytes) -> None:
        """Keeps what came of an item: an encoded :class:`~stimmung.engine.batch.replayer.ReplayResult`."""
        item = self._items[number]
        line = Entry(item.stream, item.size, item.modified_ns, msgspec.Raw(finished))
        self._offsets[number] = self._file.seek(0, 2)
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()

    def read(self, number: int) -> ReplayResult:
        """What came of a finished item."""
        self._file.seek(self._offsets[number])
        entry = msgspec.json.decode(self._file.readline(), type=Entry)
        return msgspec.json.decode(entry.finished, type=ReplayResult)

    @property
    def pending(self) -> list[int]:
        """The items still to be replayed, in order."""
        return [number for number, offset in enumerate(self._offsets) if offset == MISSING]

    def remove(self) -> None:
        """Forgets everything: the tables are written."""
        self._file.close()
        self.path.unlink()

    def _resume(self, offset: int) -> None:
        seen: dict[tuple[str, int, int], int] = {}
        for line in self._file:
            try:
                mark = msgspec.json.decode(line, type=Mark)
            except msgspec.DecodeError:
                break
            if not line.endswith(b"\n"):
                break
            seen[mark.stream, mark.size, mark.modified_ns] = offset
            offset += len(line)
        self._file.seek(offset)
        self._file.truncate()
        for number, item in enumerate(self._items):
            key = item.stream, item.size, item.modified_ns
            self._offsets[number] = seen.get(key, MISSING)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

"""What a replay is to go through: every file below every path, named so that any process can open it.

A corpus is listed once, by the process that was asked to replay it. A :class:`ManifestEntry` is a few dozen
bytes, so that listing a hundred thousand files costs megabytes, and goes to another process or machine as
it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from ..errors import InputError
from ..plugin import Feed
from ..runtime.host import open_source

FILES = "file"  # the source whose feeds can each be opened by their path alone


class ManifestEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One stream of a corpus: a file by its path, the ``position``-th feed of a ``spec``, or an ``error``.

    ``path`` is bytes, because the name of a file need not be Unicode; empty where it is the stream's name.
    ``size`` (bytes) and ``modified_ns`` are those of the file when it was listed, 0 where there is none.
    """

    stream: str
    path: bytes = b""
    size: int = 0
    modified_ns: int = 0
    spec: str = ""
    position: int = 0
    error: str = ""

    @property
    def file(self) -> Path | None:
        """The file it is read from, if it is one."""
        if self.spec or self.error:
            return None
        return Path(os.fsdecode(self.path) if self.path else self.stream)


def list_entries(paths: Sequence[str]) -> Iterator[ManifestEntry]:
    """Every stream below every path, in order; a path that cannot be opened is an item that fails."""
    for spec in paths:
        try:
            source = open_source(spec)
            inside = Path(spec).is_dir()
            for position, feed in enumerate(source.feeds()):
                stream = f"{spec.rstrip('/')}/{feed.stream}" if inside else feed.stream
                if source.name == FILES and feed.origin is not None:
                    yield _file(stream, feed.origin)
                else:
                    yield ManifestEntry(stream, spec=spec, position=position)
        except InputError as error:
            yield ManifestEntry(spec, error=str(error))


def _file(stream: str, origin: Path) -> ManifestEntry:
    path = os.fsencode(origin)
    try:
        found = origin.stat()
    except OSError as error:
        return ManifestEntry(stream, error=f"'{stream}' cannot be opened, got {error.strerror}")
    same = path == stream.encode("utf-8", "replace")
    return ManifestEntry(stream, b"" if same else path, found.st_size, found.st_mtime_ns)


class Opener:
    """Opens items, in any order; those of sources that are not files best in ascending order."""

    def __init__(self, chunk_ms: float | None) -> None:
        self._chunk_ms = chunk_ms
        self._offered: dict[str, tuple[int, Iterator[Feed]]] = {}

    def open(self, item: ManifestEntry) -> Feed:
        """The item's feed; InputError where there is none."""
        if item.error:
            raise InputError(item.error)
        if item.file is not None:
            feed = next(open_source(str(item.file), chunk_ms=self._chunk_ms).feeds())
        else:
            feed = self._nth(item.spec, item.position)
        return replace(feed, stream=item.stream)

    def _nth(self, spec: str, position: int) -> Feed:
        at, offered = self._offered.get(spec, (0, None))
        if offered is None or at > position:
            at, offered = 0, open_source(spec, chunk_ms=self._chunk_ms).feeds()
        for feed in offered:
            at += 1
            self._offered[spec] = at, offered
            if at > position:
                return feed
        raise InputError(
            f"source '{spec}' offers less than it did",
            got=f"{at} streams",
            expected=f"at least {position + 1}",
        )

"""Streams that were recorded with ``--record``, heard again as they were: gaps and all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import soundfile
from stimmung.engine.audio.rechunk import recut
from stimmung.engine.errors import InputError
from stimmung.engine.plugin import Feed, Source, hookimpl
from stimmung.engine.storage.recording import ABOUT, read_stretches
from stimmung.engine.types import Chunk, Floats

READ_FRAMES = 4_096  # what a file that was cut short holds beyond its last whole read is lost
UNKNOWN = 1 << 62  # frames, by the header of a FLAC file that was never finished


class About(msgspec.Struct):
    """What a recording says of itself."""

    stream: str
    began: float


class RecordingSource:
    """``recording:FOLDER``: one recorded stream, or every one in the folder that ``--record`` was given.

    Each comes under its old name. A last file that a crash or a full disk cut short is heard as far as it
    goes. InputError where there is no recording.
    """

    api = 1
    name = "recording"

    def __init__(self, spec: str, *, chunk_ms: float | None = None) -> None:
        self._root = Path(spec.partition(":")[2])
        self._chunk_ms = chunk_ms
        if not self._root.is_dir():
            raise InputError(f"'{self._root}' is no folder of recordings", remedy="check the path")

    def feeds(self) -> Iterator[Feed]:
        """Every recorded stream, in the order in which they began."""
        folders = sorted(path.parent for path in self._root.rglob(ABOUT))
        if not folders:
            raise InputError(f"'{self._root}' holds no recording", expected=f"a folder with {ABOUT}")
        for folder in folders:
            try:
                about = msgspec.json.decode((folder / ABOUT).read_bytes(), type=About)
            except (OSError, msgspec.DecodeError) as error:
                raise InputError(f"'{folder / ABOUT}' cannot be read", got=str(error)) from None
            yield Feed(about.stream, recut(_read(folder), self._chunk_ms), began=about.began)


def _read(folder: Path) -> Iterator[Chunk]:
    position = 0
    for start, path in read_stretches(folder):
        if start < position:
            raise InputError(f"'{path}' begins before the one before it ends", got=f"{start}")
        position = start
        try:
            file = soundfile.SoundFile(path)
        except soundfile.SoundFileError as error:
            if path.stat().st_size == 0:
                continue  # the disk was full at once
            raise InputError(f"'{path}' cannot be read", got=str(error)) from error
        with file:
            for samples in _decoded(file):
                yield Chunk(samples, file.samplerate, position)
                position += len(samples)


def _decoded(file: soundfile.SoundFile) -> Iterator[Floats]:
    while True:
        try:
            samples = file.read(READ_FRAMES, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            if file.frames >= UNKNOWN:
                return
            raise InputError(f"'{file.name}' is damaged", got=str(error)) from error
        if not len(samples):
            return
        yield samples


@hookimpl
def stimmung_source() -> type[Source]:
    """The source of this plugin."""
    return RecordingSource

"""Audio files and folders of them: everything libsndfile reads, each file a stream of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import soundfile
from stimmung.engine.audio.rechunk import recut
from stimmung.engine.errors import InputError
from stimmung.engine.plugin import Feed, Source, hookimpl
from stimmung.engine.types import Chunk

# Decoders of lossy formats may answer a trace differently for another read size, so it is the same always.
READ_FRAMES = 65_536

# RAW has no header to read a rate from: that is what the source 'pcm' is for.
SUFFIXES = frozenset(
    {f".{name.lower()}" for name in soundfile.available_formats() if name != "RAW"}
    | {".aif", ".aifc", ".oga", ".opus", ".snd", ".sph", ".wave"}
)


class FileSource:
    """One file, or every audio file below a folder in sorted order; each is one stream.

    The stream's name is the path as given, or, in a folder, the path relative to it. ``spec`` is
    always a path, whatever characters it holds. Hidden files are passed over in a folder.
    ``chunks`` opens its file when first asked and raises InputError for what cannot be read to its
    declared end; everything before the fault has been delivered by then. Full scale is ±1.
    """

    api = 1
    name = "file"
    example: ClassVar = {"spec": "{recording}"}

    def __init__(self, spec: str, *, chunk_ms: float | None = None) -> None:
        self._spec = spec
        self._root = Path(spec)
        self._chunk_ms = chunk_ms
        if not os.path.exists(spec):
            raise InputError(f"'{_text(spec)}' does not exist", remedy="check the path of the audio")

    def feeds(self) -> Iterator[Feed]:
        """A feed for every file; InputError when a folder holds no audio."""
        if not self._root.is_dir():
            yield self._feed(self._spec, self._root)
            return
        paths = sorted(p for p in self._root.rglob("*") if _is_audio(p, self._root))
        if not paths:
            raise InputError(
                f"folder '{_text(self._spec)}' holds no audio",
                expected=f"files that end in {', '.join(sorted(SUFFIXES))}",
                remedy="check the path",
            )
        for path in paths:
            yield self._feed(path.relative_to(self._root).as_posix(), path)

    def _feed(self, stream: str, path: Path) -> Feed:
        return Feed(_text(stream), recut(_read(path), self._chunk_ms), origin=path)


def _read(path: Path) -> Iterator[Chunk]:
    """The file in reads of one fixed size; InputError when it ends before its header says so."""
    name = _text(str(path))
    with _open(path, name) as file:
        done = 0
        while True:
            try:
                samples = file.read(READ_FRAMES, dtype="float32", always_2d=True)
            except soundfile.SoundFileError as error:
                raise _broken(name, done, file.frames, file.samplerate) from error
            if not len(samples):
                break
            done += len(samples)
            yield Chunk(samples, file.samplerate)
        declared = max(file.frames, _declared(file))
        if not declared:
            raise InputError(f"'{name}' holds no samples", remedy="record or export it again")
        if done < declared:
            raise _broken(name, done, declared, file.samplerate)


def _open(path: Path, name: str) -> soundfile.SoundFile:
    try:
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"'{name}' is empty", got="0 bytes", expected="audio", remedy="copy it again")
        with path.open("rb"):  # libsndfile does not say why it cannot open a file
            pass
        return soundfile.SoundFile(os.fsencode(path))  # bytes: a name need not be UTF-8
    except OSError as error:
        raise InputError(
            f"'{name}' cannot be opened",
            got=error.strerror or str(error),
            remedy="check its permissions and that it still exists",
        ) from error
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: '.raw' needs what no header says
        raise InputError(
            f"'{name}' is not audio that can be read",
            got=_content(path),
            expected="WAV, FLAC, Ogg, MP3, AIFF or another format of libsndfile",
            remedy="convert it, for example with ffmpeg -i IN OUT.flac",
        ) from error


def _broken(name: str, done: int, declared: int, rate: int) -> InputError:
    return InputError(
        f"'{name}' is truncated or damaged",
        got=f"{done / rate:.2f} s that can be decoded",
        expected=f"{declared / rate:.2f} s by its header",
        remedy="copy it again from where it came from",
    )


def _declared(file: soundfile.SoundFile) -> int:
    """Frames that a WAV or AIFF header promises beyond the end of the file, 0 when it keeps its word.

    libsndfile quietly shortens such a file and only notes it in its log. Recorders that write to a
    pipe cannot know the length and leave the largest there is: that promises nothing.
    """
    note = re.search(r"^ *(?:data|SSND) *: (\d+) \(should be (\d+)\)", file.extra_info, re.MULTILINE)
    if not note:
        return 0
    promised, present = int(note[1]), int(note[2])
    if promised <= present or promised >= 0x7FFF_0000 or not present:
        return 0
    return int(file.frames) * promised // present


def _content(path: Path) -> str:
    """What the file starts with, for a person: text is quoted, anything else shown in hex."""
    with path.open("rb") as file:
        start = file.read(24)
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start):
        return f"text that starts {start.decode('ascii')!r}"
    return f"bytes {start[:8].hex(' ')}"


def _is_audio(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return not hidden and path.suffix.lower() in SUFFIXES and path.is_file()


def _text(path: str) -> str:
    """The path as valid Unicode: a name that is not UTF-8 on disk keeps its bytes as \\x escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


@hookimpl
def stimmung_source() -> type[Source]:
    return FileSource

"""The folder of one recorded stream: its files, how they are written and read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile

from ..audio.ingest import fit_samples
from ..types import Chunk, Floats

FULL_SCALE = 2.0**23
FILE_S = 600.0  # of audio in one file: a crash can only ever spoil the last
FULL_BYTES = 1 << 20  # less than this is a full disk to an encoder
ABOUT, WORDS, STATES = "stream.json", "words.jsonl", "states.jsonl"


@dataclass
class SegmentWriter:
    """One stream's folder; only the recorder's thread writes to it. ``error`` says why it ended early."""

    folder: Path
    stream: str
    error: str = ""
    over: bool = False
    _audio: soundfile.SoundFile | None = None
    _position: int = 0  # on the source's clock: where the next chunk is expected
    _until: int = 0
    _lines: dict[str, BinaryIO] = field(default_factory=dict)

    def open(self, about: bytes) -> None:
        """Makes the folder, with files that may stay empty."""
        self.folder.mkdir()
        (self.folder / ABOUT).write_bytes(about + b"\n")
        for name in (WORDS, STATES):
            self._lines[name] = (self.folder / name).open("wb", buffering=0)

    def hear(self, chunk: Chunk) -> None:
        """Writes a chunk's audio, up to a sample that is none."""
        samples = chunk.samples[: fit_samples(chunk.samples)]
        start = self._position if chunk.start is None else chunk.start
        if self._audio is None or start != self._position or start >= self._until:
            self.rest()
            path = self.folder / f"audio-{start:012}.flac"
            channels = chunk.samples.shape[1]
            self._audio = soundfile.SoundFile(path, "w", chunk.rate, channels, "PCM_24", format="FLAC")
            self._until = start + round(FILE_S * chunk.rate)
        self._audio.write((samples.astype(np.float64) * 2.0**31).astype(np.int32))
        self._position = start + len(samples)

    def note(self, name: str, line: bytes) -> None:
        """Appends a line."""
        self._lines[name].write(line)

    def whole(self) -> list[Path]:
        """Every file, none of them with audio yet to come."""
        self.rest()
        return self.present()

    def present(self) -> list[Path]:
        """Every file."""
        return sorted(self.folder.iterdir()) if self.folder.is_dir() else []

    def rest(self) -> None:
        """Ends the present file of audio."""
        audio, self._audio = self._audio, None
        if audio is not None:
            audio.close()

    def close(self) -> None:
        """Ends all files; again does nothing."""
        self.rest()
        for file in self._lines.values():
            file.close()


def written(chunk: Chunk) -> Chunk:
    """The chunk as FLAC will hold it; samples that are none stay, and are refused where audio enters."""
    fit = fit_samples(chunk.samples)
    kept = np.clip(np.rint(chunk.samples[:fit] * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1) / FULL_SCALE
    samples: Floats = np.concatenate([kept.astype(np.float32), chunk.samples[fit:]])
    return replace(chunk, samples=samples)


def read_stretches(folder: Path) -> Iterator[tuple[int, Path]]:
    """The files of a recording's audio in order, each with the sample it begins at."""
    for path in sorted(folder.glob("audio-*.flac")):
        yield int(path.stem.partition("-")[2]), path

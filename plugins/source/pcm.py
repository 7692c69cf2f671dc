"""Raw PCM on standard input, as ``arecord``, ``ffmpeg`` or ``sox`` write it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from stimmung.engine.audio.rechunk import recut
from stimmung.engine.errors import ConfigError, InputError, nearest
from stimmung.engine.plugin import Feed, Source, hookimpl
from stimmung.engine.types import Chunk

READ_BYTES = 65_536  # the capacity of a pipe: one read empties it

# Name → (dtype, full scale).
FORMATS = {
    "s16le": ("<i2", 2.0**15),
    "s32le": ("<i4", 2.0**31),
    "f32le": ("<f4", 1.0),
}


class PcmSource:
    """One stream from standard input, delivered as it arrives.

    ``spec`` is ``-``, or ``pcm:rate=48000,channels=2,format=f32le`` with any of the options; what it says
    wins over the keyword arguments. Interleaved samples, full scale ±1 after conversion. Input that
    ends inside a sample raises InputError after every whole sample has been delivered.
    """

    api = 1
    name = "pcm"
    example: ClassVar = {"spec": "-"}

    def __init__(
        self,
        spec: str = "-",
        *,
        rate: int = 16_000,
        channels: int = 1,
        format: str = "s16le",
        chunk_ms: float | None = None,
    ) -> None:
        options = {"rate": str(rate), "channels": str(channels), "format": format} | _parse(spec)
        self._rate = _positive("rate", options["rate"])
        self._channels = _positive("channels", options["channels"])
        if options["format"] not in FORMATS:
            raise ConfigError(
                "unknown PCM format",
                got=f"'{options['format']}'",
                expected=", ".join(FORMATS),
                remedy="ffmpeg writes one with -f s16le",
            )
        self._dtype, self._full_scale = FORMATS[options["format"]]
        self._chunk_ms = chunk_ms

    def feeds(self) -> Iterator[Feed]:
        """The one feed there is, named ``-``."""
        if sys.stdin is None or sys.stdin.isatty():
            raise ConfigError(
                "standard input carries no audio",
                got="a terminal",
                expected="raw PCM",
                remedy="pipe it in, for example arecord -t raw -f S16_LE -r 16000 | stimmung run --source -",
            )
        yield Feed("-", recut(self._read(sys.stdin.fileno()), self._chunk_ms))

    def _read(self, descriptor: int) -> Iterator[Chunk]:
        width = np.dtype(self._dtype).itemsize * self._channels
        held = b""
        # os.read returns what there is; a buffered reader would wait until its buffer is full.
        while data := os.read(descriptor, READ_BYTES):
            held += data
            whole = len(held) - len(held) % width
            if whole:
                yield self._chunk(held[:whole])
                held = held[whole:]
        if held:
            raise InputError(
                "standard input ended inside a sample",
                got=f"{len(held)} bytes too many",
                expected=f"a multiple of {width} bytes ({self._channels} channels of {self._dtype})",
                remedy="check that format and channels are what the writer writes",
            )

    def _chunk(self, data: bytes) -> Chunk:
        samples = np.frombuffer(data, self._dtype).reshape(-1, self._channels)
        return Chunk((samples / self._full_scale).astype(np.float32), self._rate)


def _parse(spec: str) -> dict[str, str]:
    """``pcm:rate=8000,channels=2`` → its options as written."""
    options = {}
    head, _, written = spec.partition(":")
    if head not in ("-", "pcm"):
        raise ConfigError(
            "source 'pcm' reads standard input only", got=f"'{spec}'", expected="'-' or 'pcm:…'"
        )
    for item in filter(None, written.split(",")):
        key, _, value = item.partition("=")
        if key not in ("rate", "channels", "format"):
            raise ConfigError(
                f"unknown option of source 'pcm' in '{spec}'",
                got=f"'{key}'",
                expected="pcm:rate=HZ,channels=N,format=NAME",
                remedy=nearest(key, ("rate", "channels", "format")),
            )
        options[key] = value
    return options


def _positive(option: str, value: str) -> int:
    if value.isascii() and value.isdigit() and int(value) > 0:
        return int(value)
    raise ConfigError(
        f"option '{option}' of source 'pcm'", got=f"'{value}'", expected="a whole number above 0"
    )


@hookimpl
def stimmung_source() -> type[Source]:
    return PcmSource

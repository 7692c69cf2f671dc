"""Audio pushed over ZeroMQ by other programs and other machines; ``stimmung push`` is one that does.

A PULL socket takes multipart messages, any number of senders and streams at once::

    b"audio"   {"v": 1, "stream": "kitchen", "rate": 48000, "channels": 1, "start": 960}   float32 samples
    b"end"     {"v": 1, "stream": "kitchen"}

The header is MessagePack, the samples little-endian, interleaved, full scale ±1. ``start`` is the position of
the first sample on the sender's own clock: what it skips is a gap.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
import zmq
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import Feed, Source, hookimpl
from stimmung.engine.protocol.security import check_endpoint, guard
from stimmung.engine.types import Chunk

NAME = "net"
DEFAULT = "tcp://127.0.0.1:5558"
LARGEST_BYTES = 1 << 20  # of a message: five seconds at 48 kHz
HELD = 512  # chunks that wait for the pipeline; what comes then is dropped and leaves a gap
POLL_MS = 100

log = logging.getLogger("stimmung.net")


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a message is about."""

    v: Literal[1] = 1
    stream: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AudioHeader(Header, frozen=True, kw_only=True):
    """What the samples of a message are."""

    rate: Annotated[int, msgspec.Meta(ge=1)]
    channels: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    start: Annotated[int, msgspec.Meta(ge=0)]


class NetSource:
    """A stream for each name that somebody pushes to, side by side, at most ``most`` of them.

    ``net`` listens on loopback, ``net:tcp://0.0.0.0:5558`` for other machines, with the ``keys`` of a folder
    that ``stimmung keys`` made. A stream ends when its sender says so, or nothing comes for ``silent_s``.
    ``refused`` counts messages that follow no format, ``dropped`` chunks nobody had time for.
    """

    api = 1
    name = NAME
    live = True
    example: ClassVar = {"spec": "net:tcp://127.0.0.1:*", "once_s": 0.2}

    def __init__(
        self,
        spec: str = NAME,
        *,
        keys: str = "",
        most: int = 64,
        silent_s: float = 10.0,
        once_s: float = 0.0,
        chunk_ms: float | None = None,
    ) -> None:
        endpoint, _, rest = (spec.partition(":")[2] or DEFAULT).partition(",keys=")
        keys = keys or rest
        check_endpoint(endpoint, keys, "source 'net'")
        self._most, self._silent_s, self._once_s = most, silent_s, once_s
        self._closed = threading.Event()
        self._open: dict[str, Pushed] = {}
        self._began_s = time.monotonic()
        self.refused = self.dropped = 0
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PULL)
        self._socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_BYTES)
        self._guard = guard(self._socket, self._context, keys)
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self._shut()
            raise ConfigError(
                f"source 'net' cannot listen on '{endpoint}'", got=str(error), remedy="choose another port"
            ) from None
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def feeds(self) -> Iterator[Feed]:
        """Every stream when its first audio comes, until the source is closed."""
        try:
            while not self._closed.is_set():
                if self._once_s and time.monotonic() - self._began_s > self._once_s:
                    yield Feed("nobody", iter(()))
                    return
                self._end_the_silent()
                if self._socket.poll(POLL_MS):
                    yield from self._take(self._socket.recv_multipart())
        finally:
            for pushed in self._open.values():
                pushed.end()
            self._shut()

    def close(self) -> None:
        """Ends the source and its streams; may be called from another thread."""
        self._closed.set()

    def _take(self, frames: list[bytes]) -> Iterator[Feed]:
        try:
            header, chunk = _read(frames)
        except (ValueError, msgspec.DecodeError) as error:
            self.refused += 1
            if self.refused <= 10:
                log.warning("message ignored: %s", error)
            return
        pushed = self._open.get(header.stream)
        if chunk is None:
            if pushed is not None:
                self._open.pop(header.stream).end()
            return
        if pushed is None:
            if len(self._open) >= self._most:
                self.refused += 1
                return
            pushed = self._open[header.stream] = Pushed()
            yield Feed(header.stream, pushed.chunks(), began=time.time())
        self.dropped += not pushed.add(chunk)

    def _end_the_silent(self) -> None:
        now_s = time.monotonic()
        for name, pushed in [*self._open.items()]:
            if now_s - pushed.heard_s > self._silent_s:
                log.warning("nothing came of '%s' for %g s; it has ended", name, self._silent_s)
                self._open.pop(name).end()

    def _shut(self) -> None:
        if self._guard is not None:
            self._guard.close()
        self._socket.close(linger=0)
        self._context.term()


class Pushed:
    """One stream between the socket and the pipeline."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Chunk | None] = queue.Queue()
        self.heard_s = time.monotonic()

    def add(self, chunk: Chunk) -> bool:
        """Takes a chunk; False when too many wait already."""
        self.heard_s = time.monotonic()
        if self._queue.qsize() >= HELD:
            return False
        self._queue.put(chunk)
        return True

    def end(self) -> None:
        """Nothing follows."""
        self._queue.put(None)

    def chunks(self) -> Iterator[Chunk]:
        """What was pushed, as it comes."""
        first: int | None = None
        while (chunk := self._queue.get()) is not None:
            assert chunk.start is not None
            first = chunk.start if first is None else first
            yield Chunk(chunk.samples, chunk.rate, chunk.start - first)


def _read(frames: list[bytes]) -> tuple[Header, Chunk | None]:
    """A message; ValueError or DecodeError says what is wrong with it."""
    kind = bytes(frames[0])
    if kind == b"end" and len(frames) == 2:
        return msgspec.msgpack.decode(frames[1], type=Header), None
    if kind != b"audio" or len(frames) != 3:
        raise ValueError(f"kind {kind[:16]!r} with {len(frames)} frames, expected audio with 3 or end with 2")
    header = msgspec.msgpack.decode(frames[1], type=AudioHeader)
    if not frames[2] or len(frames[2]) % (4 * header.channels):
        raise ValueError(f"{len(frames[2])} bytes are no float32 samples of {header.channels} channels")
    samples: Any = np.frombuffer(frames[2], "<f4").astype(np.float32).reshape(-1, header.channels)
    return header, Chunk(samples, header.rate, header.start)


@hookimpl
def stimmung_source() -> type[Source]:
    return NetSource

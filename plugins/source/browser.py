"""Microphones of browsers: every page that presses its button is a stream of its own.

The dashboard hands each connection to :meth:`BrowserSource.listen`. A page first says what it sends, as
JSON: ``{"rate": 48000}`` and, if it likes, a ``name``. It is answered with the name of its stream,
``{"stream": "microphone 1"}``. From then on it sends binary frames, each a position on the page's own
clock (uint64, little-endian) and 16-bit samples (little-endian); a position beyond the end of the last
frame is a gap.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
from stimmung.engine.audio.ingest import HIGHEST_RATE, LOWEST_RATE
from stimmung.engine.audio.rechunk import recut
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import Feed, Source, hookimpl
from stimmung.engine.types import Chunk

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

HEAD_BYTES = 8
FULL_SCALE = 2.0**15
INTRODUCTION_S = 5.0  # a page that has not said what it sends by then is hung up on
SILENT_S = 10.0  # and so is one that sends no audio for so long
AHEAD_S = 10.0  # audio may be so far ahead of the clock on the wall; nobody speaks faster
HELD_S = 10.0  # of audio that waits for the pipeline; what comes then is dropped and leaves a gap


class Introduction(msgspec.Struct, forbid_unknown_fields=True):
    """What a page says first."""

    rate: int
    name: str = "microphone"


class UnfitError(Exception):
    """What a page sent is not what it may send."""


class BrowserSource:
    """Feeds as pages connect, side by side, until it is closed; at most ``most`` at a time."""

    api = 1
    name = "browser"
    live = True

    def __init__(self, spec: str = "browser", *, chunk_ms: float | None = None, most: int = 16) -> None:
        if spec != "browser":
            raise ConfigError("source 'browser' has no devices to choose from", got=f"'{spec}'")
        self._chunk_ms, self._most = chunk_ms, most
        self._feeds: queue.SimpleQueue[Feed | None] = queue.SimpleQueue()
        self._open: set[Line] = set()
        self._count = 0
        self._served = threading.Event()

    def feeds(self) -> Iterator[Feed]:
        """A feed for every page that connects; ConfigError where nobody hands over connections."""
        if not self._served.is_set():
            raise ConfigError(
                "source 'browser' needs the page that sends it audio",
                remedy="stimmung monitor --source browser serves it",
            )
        while (feed := self._feeds.get()) is not None:
            yield feed

    def serve(self) -> None:
        """Somebody will hand over connections."""
        self._served.set()

    def close(self) -> None:
        """No page may connect any more, and what those connected have sent is all there is."""
        self._feeds.put(None)
        for line in [*self._open]:
            line.end()

    async def listen(self, socket: WebSocket) -> None:
        """One page, from its connection to its end, whatever it sends."""
        await socket.accept()
        if len(self._open) >= self._most:
            await _hang_up(socket, 1013, f"{self._most} microphones are open already")
            return
        try:
            introduction = await _introduction(socket)
        except UnfitError as unfit:
            await _hang_up(socket, 1008, str(unfit))
            return
        self._count += 1
        line = Line(introduction.rate, time.monotonic)
        self._open.add(line)
        stream = f"{_printable(introduction.name)} {self._count}"
        self._feeds.put(Feed(stream, recut(line.chunks(), self._chunk_ms), began=time.time()))
        try:
            await _answer(socket, stream)
            while (data := await _received(socket, "bytes", SILENT_S)) is not None:
                line.take(data)
        except UnfitError as unfit:
            await _hang_up(socket, 1008, str(unfit))
        finally:
            self._open.discard(line)
            line.end()


class Line:
    """One page's audio between its connection and the thread that reads it."""

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        self._rate, self._clock, self._began_s = rate, clock, clock()
        self._chunks: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self._position = 0  # where the next frame is expected
        self._held = self._taken = 0  # samples put into the queue and taken from it, each by its own thread

    def take(self, data: bytes) -> None:
        """The audio of one frame; UnfitError when it is none, runs backwards, or comes faster than speech."""
        start, samples = self._parse(data)
        stop = start + len(samples)
        if stop > (self._clock() - self._began_s + AHEAD_S) * self._rate:
            raise UnfitError("audio faster than real time")
        self._position = stop
        if self._held - self._taken > HELD_S * self._rate:
            return  # and the next frame stands after a gap
        self._held += len(samples)
        self._chunks.put(Chunk((samples / FULL_SCALE).astype(np.float32)[:, np.newaxis], self._rate, start))

    def end(self) -> None:
        """Nothing more will come."""
        self._chunks.put(None)

    def chunks(self) -> Iterator[Chunk]:
        """The audio as it comes, until the page is gone."""
        while (chunk := self._chunks.get()) is not None:
            self._taken += len(chunk.samples)
            yield chunk

    def _parse(self, data: bytes) -> tuple[int, npt.NDArray[np.int16]]:
        if len(data) <= HEAD_BYTES or len(data) % 2:
            raise UnfitError(f"a frame of {len(data)} bytes is no position and samples")
        start = int.from_bytes(data[:HEAD_BYTES], "little")
        if start < self._position:
            raise UnfitError(f"a frame at sample {start}, expected {self._position}")
        return start, np.frombuffer(data, "<i2", offset=HEAD_BYTES)


async def _introduction(socket: WebSocket) -> Introduction:
    data = await _received(socket, "text", INTRODUCTION_S)
    try:
        said = msgspec.json.decode(data or "", type=Introduction)
    except msgspec.DecodeError as error:
        raise UnfitError(f"not an introduction: {error}") from None
    if not LOWEST_RATE <= said.rate <= HIGHEST_RATE:
        raise UnfitError(f"a rate of {said.rate} Hz")
    return said


async def _received(socket: WebSocket, kind: str, limit_s: float) -> Any:
    """What the next frame holds, a text or bytes; None when the page is gone."""
    try:
        async with asyncio.timeout(limit_s):
            message = await socket.receive()
    except TimeoutError:
        raise UnfitError(f"nothing was sent for {limit_s:g} s") from None
    if message["type"] == "websocket.disconnect":
        return None
    if message.get(kind) is None:
        raise UnfitError(f"expected a {kind} frame")
    return message[kind]


async def _answer(socket: WebSocket, stream: str) -> None:
    from starlette.websockets import WebSocketDisconnect  # of an extra that is there when pages connect

    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may be gone already
        await socket.send_text(msgspec.json.encode({"stream": stream}).decode())


async def _hang_up(socket: WebSocket, code: int, reason: str) -> None:
    from starlette.websockets import WebSocketDisconnect

    with contextlib.suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code, reason[:100])


def _printable(name: str) -> str:
    """The name without what cannot be shown, cut to a length that can."""
    kept = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(kept.split())[:40] or "microphone"


@hookimpl
def stimmung_source() -> type[Source]:
    """The source of this plugin."""
    return BrowserSource

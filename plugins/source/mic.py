"""Microphones of this machine, through PortAudio: a device may overrun, be unplugged and come back."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from stimmung.engine.errors import ConfigError, InputError, nearest
from stimmung.engine.plugin import Feed, Source, hookimpl
from stimmung.engine.types import Chunk, Floats

NAME = "mic"
QUEUED_S = 30.0  # what may wait for the engine; what comes on top of that is lost, and counted
SILENCE_S = 2.0  # without a callback for so long, the device is gone
AGAIN_S = 1.0

OPEN: set[int] = set()  # the captures that hold a device

log = logging.getLogger("stimmung.mic")


class Microphone:
    """One input device, as it comes; ``mic``, or ``mic:DEVICE`` with a number or a part of a name.

    ``mic:DEVICE,rate=16000,channels=2`` says any of these: ``rate`` in Hz, 0 for the device's own. Chunks of
    ``chunk_ms``, 30 ms unless said. What is lost, because the device overran or was away, is a gap: the
    stream's clock goes on by the time that passed. A device that disappears is waited for. ``overruns``
    counts what was lost. ConfigError for a device that is not there at the start.
    """

    api = 1
    name = NAME
    live = True

    def __init__(
        self, spec: str = NAME, *, rate: int = 0, channels: int = 1, chunk_ms: float | None = None
    ) -> None:
        said = [item.partition("=") for item in spec.partition(":")[2].split(",")]
        self._wanted = "".join(name for name, equals, _ in said if not equals)
        numbers = {"rate": rate, "channels": channels}
        for name, equals, value in said:
            if equals and (name not in numbers or not value.isdecimal()):
                raise ConfigError(
                    f"unknown option of source '{NAME}' in '{spec}'",
                    got=f"{name}={value}",
                    expected="mic:DEVICE,rate=HZ,channels=N with any of these",
                )
            if equals:
                numbers[name] = int(value)
        self._rate, self._channels = numbers["rate"], numbers["channels"]
        self._chunk_s = (chunk_ms or 30.0) / 1000
        self._closed = threading.Event()
        self._portaudio = library()
        self._device = find(self._portaudio, self._wanted)
        self.overruns = 0

    def feeds(self) -> Iterator[Feed]:
        """The one stream there is; InputError when the device cannot be opened."""
        rate = self._rate or int(self._device["default_samplerate"])
        name = self._device["name"]
        capture = Capture(self, self._portaudio, name, rate, self._channels, self._chunk_s)
        capture.open()
        name = f"{NAME}:{self._wanted}" if self._wanted else NAME
        yield Feed(name, capture.chunks(self._closed), began=time.time())

    @staticmethod
    def devices() -> list[str]:
        """What can record here, each as it may be asked for; ConfigError where that cannot be known."""
        return [
            f"{NAME}:{device['index']}  {device['name']} ({device['default_samplerate']:.0f} Hz, "
            f"{device['max_input_channels']} channels)"
            for device in devices(library())
        ]

    def close(self) -> None:
        """Ends the stream; may be called from another thread."""
        self._closed.set()


class Capture:
    """What one device delivers, on one clock, through every time it is opened again."""

    def __init__(
        self, source: Microphone, portaudio: Any, device: str, rate: int, channels: int, chunk_s: float
    ) -> None:
        self._source, self._portaudio, self._device = source, portaudio, device
        self._rate, self._channels, self._block = rate, channels, round(chunk_s * rate)
        self._queue: queue.Queue[Chunk] = queue.Queue(round(QUEUED_S / chunk_s))
        self._position = 0  # of the next sample the device delivers
        self._stopped_s = time.monotonic()
        self._stream: Any = None

    def open(self) -> None:
        """Starts the device; InputError when it cannot be."""
        try:
            self._stream = self._portaudio.InputStream(
                device=find(self._portaudio, self._device, exact=True)["index"],
                samplerate=self._rate,
                channels=self._channels,
                blocksize=self._block,
                dtype="float32",
                callback=self._heard,
            )
            self._stream.start()
            OPEN.add(id(self))
        except (self._portaudio.PortAudioError, ConfigError) as error:
            self._stream = None
            raise InputError(
                f"the microphone '{self._device}' cannot be opened",
                got=str(error),
                remedy="see stimmung doctor for the devices and what they can do",
            ) from None

    def chunks(self, closed: threading.Event) -> Iterator[Chunk]:
        """All that comes until ``closed``."""
        try:
            while not closed.is_set():
                try:
                    yield self._queue.get(timeout=0.1)
                except queue.Empty:
                    if time.monotonic() - self._stopped_s > SILENCE_S:
                        self._reopen(closed)
        finally:
            self._shut()

    def _heard(self, samples: Floats, count: int, _: Any, status: Any) -> None:
        """Called by PortAudio with (n, channels), in a thread of its own."""
        now_s = time.monotonic()
        if status.input_overflow:
            self._lose(max(count, round((now_s - self._stopped_s) * self._rate) - count))
        chunk = Chunk(np.array(samples, np.float32), self._rate, self._position)
        self._position += count
        self._stopped_s = now_s
        try:
            self._queue.put_nowait(chunk)
        except queue.Full:
            self._source.overruns += 1

    def _lose(self, count: int) -> None:
        self._position += count
        self._source.overruns += 1
        log.warning("microphone '%s' overran; %d lost so far", self._device, self._source.overruns)

    def _reopen(self, closed: threading.Event) -> None:
        log.error("microphone '%s' is gone; waiting for it", self._device)
        self._shut()
        while not closed.wait(AGAIN_S):
            rescan(self._portaudio)
            try:
                self.open()
            except InputError:
                continue
            now_s = time.monotonic()
            self._position += max(0, round((now_s - self._stopped_s) * self._rate))
            self._stopped_s = now_s
            log.warning("microphone '%s' is back", self._device)
            return

    def _shut(self) -> None:
        OPEN.discard(id(self))
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)


def library() -> Any:
    """The module sounddevice; ConfigError where it or PortAudio is missing."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise ConfigError(
            "microphones cannot be reached",
            got=str(error),
            remedy="pip install 'stimmung[mic]', and install PortAudio (Debian: libportaudio2)",
        ) from None
    return sounddevice


def devices(portaudio: Any) -> list[dict[str, Any]]:
    """Every device that can record."""
    return [device for device in portaudio.query_devices() if device["max_input_channels"] > 0]


def find(portaudio: Any, wanted: str, *, exact: bool = False) -> dict[str, Any]:
    """The input device of that number, or with ``wanted`` in its name; the default one for none."""
    found = devices(portaudio)
    if not wanted:
        default = portaudio.default.device[0]
        found = [device for device in found if device["index"] == default] or found
    elif wanted.isdecimal():
        found = [device for device in found if device["index"] == int(wanted)]
    else:
        same = [device for device in found if device["name"] == wanted]
        within = [device for device in found if wanted.lower() in device["name"].lower()]
        found = same or ([] if exact else within)
    if not found:
        names = [device["name"] for device in devices(portaudio)]
        raise ConfigError(
            f"no microphone is called '{wanted}'" if wanted else "this machine has no microphone",
            remedy=nearest(wanted, names) if names else "connect one, or use --source net or a file",
        )
    return found[0]


def rescan(portaudio: Any) -> None:
    """Makes PortAudio look for devices again, which it does once only; not while another one is recording."""
    if not OPEN:
        portaudio._terminate()
        portaudio._initialize()


@hookimpl
def stimmung_source() -> type[Source]:
    return Microphone

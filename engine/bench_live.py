"""Measures what live streams are promised: how late states come, what a stall costs, what is left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np

from .bench import chunks
from .config import BusTable, Description
from .host import Host
from .live import Live
from .observer import Observer
from .plugin import Feed
from .stream import Stream
from .supervisor import resident_mb
from .types import Chunk, EmotionState, Fault, Floats, Output
from .zmq_bus import ZmqBus

STREAMS = 4  # beside a plugin that stands still


@dataclass
class Lags(Observer):
    """How long after a window's last sample its state was there, in ms; and what was lost."""

    lags_ms: list[float] = field(default_factory=list)
    faults: int = 0
    dropped: int = 0
    settled: bool = True

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState) and output.lag_ms is not None:
            self.lags_ms.append(output.lag_ms)
        self.faults += isinstance(output, Fault)

    def ended(self, stream: Stream, error: Exception | None) -> None:
        for name, edge in stream.pipeline.ledger.record().items():
            if name != "audio":
                self.dropped += sum(msgspec.convert(edge["dropped"], dict[str, int]).values())
        self.settled &= stream.pipeline.ledger.settled and error is None

    def percentile(self, share: float) -> float:
        """The lag that ``share`` percent of the states stay below."""
        return float(np.percentile(self.lags_ms, share))


class Voices:
    """``streams`` speakers at once, as microphones would deliver them, none in step with another."""

    name, live = "voices", True

    def __init__(self, samples: Floats, rate: int, streams: int) -> None:
        self._samples, self._rate, self._streams = samples, rate, streams

    def feeds(self) -> Iterator[Feed]:
        """Every speaker, each begun a little later in the speech and on the clock."""
        for number in range(self._streams):
            shifted = np.roll(self._samples, -number * self._rate)
            yield Feed(f"voice {number}", self._spoken(shifted, number / self._streams))

    def _spoken(self, samples: Floats, after_s: float) -> Iterator[Chunk]:
        began_s, heard = time.monotonic() + after_s, 0
        for chunk in chunks(samples, self._rate):
            heard += len(chunk.samples)
            time.sleep(max(0.0, began_s + heard / self._rate - time.monotonic()))
            yield chunk


def live(description: Description, samples: Floats, streams: int) -> Lags:
    """The lags of ``streams`` streams paced at real time."""
    lags = Lags()
    with Host(description) as host:
        for _ in host.stream("warm").play(
            chunks(samples[: 10 * description.stream.rate], description.stream.rate)
        ):
            pass
        Live(host, [lags]).run([Voices(samples, description.stream.rate, streams)])
    return lags


def stalled(description: Description, samples: Floats, rounds: int) -> list[tuple[float, float]]:
    """(p99 in ms without, p99 with a plugin that stands still), round by round.

    What stands still is a second instance of the first extractor, stopped by SIGSTOP; no classifier needs it.
    """
    first = description.extractors[0]
    twin = msgspec.structs.replace(first, name=f"{first.name} twin")
    bus = BusTable(transport="ipc", policy="drop-oldest", deadline_s=3600)
    beside = msgspec.structs.replace(description, bus=bus, extractors=[*description.extractors, twin])
    alone = msgspec.structs.replace(description, bus=bus)  # a twin at work would take computing time itself
    return [(_p99(alone, samples, False), _p99(beside, samples, True)) for _ in range(rounds)]


def _p99(description: Description, samples: Floats, stand_still: bool) -> float:
    lags, rate = Lags(), description.stream.rate
    with Host(description) as host:
        assert isinstance(host.bus, ZmqBus)
        for _ in host.stream("warm").play(chunks(samples[: 10 * rate], rate)):
            pass
        post = host.bus.supervisor.posts[len(description.extractors) - 1]
        pid = host.bus.supervisor.pid(post.identity)
        if stand_still:
            os.kill(pid, signal.SIGSTOP)
        # The streams end with what the twin still owes, so it must go on when all was said.
        again = threading.Timer(len(samples) / rate + 2, os.kill, (pid, signal.SIGCONT))
        again.start()
        Live(host, [lags]).run([Voices(samples, rate, STREAMS)])
        again.join()
    return lags.percentile(99)


def back_s(description: Description) -> list[float]:
    """Seconds from kill -9 of each plugin's process to its successor's first word."""
    ipc = msgspec.structs.replace(description, bus=BusTable(transport="ipc"))
    times = []
    with Host(ipc) as host:
        assert isinstance(host.bus, ZmqBus)
        for post in host.bus.supervisor.posts:
            identity = post.identity
            killed_s = time.monotonic()
            os.kill(host.bus.supervisor.pid(identity), signal.SIGKILL)
            while post.identity == identity or post.identity.encode() not in host.bus._peers:
                host.bus.pump(0.005)
            times.append(time.monotonic() - killed_s)
    return times


@dataclass(frozen=True)
class Soak:
    """What hours of one stream left behind: MB of growth after the first tenth, descriptors, processes."""

    grown_mb: float
    descriptors: int
    processes: int


def soak(
    description: Description, samples: Floats, hours: float, every: Callable[[float, float], None]
) -> Soak:
    """Plays ``hours`` in one stream at full speed; ``every`` gets (hours heard, MB) in between."""
    rate = description.stream.rate
    before, readings = _descriptors(), list[tuple[float, float]]()
    with Host(description) as host:
        stream = host.stream("soak", live=True)
        while not readings or readings[-1][0] < hours:
            for chunk in chunks(samples, rate):
                for _ in stream.push(chunk):
                    pass
            held_mb = resident_mb() + sum(map(resident_mb, host.bus.pids))
            readings.append((stream.heard_s / 3600, held_mb))
            every(*readings[-1])
        for _ in stream.finish():
            pass
        pids = host.bus.pids
    grown = readings[-1][1] - readings[len(readings) // 10][1]
    return Soak(grown, _descriptors() - before, sum(os.path.exists(f"/proc/{pid}") for pid in pids))


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))

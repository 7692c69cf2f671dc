"""Measures what live streams are promised: how late states come, and what is left behind."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import msgspec
import numpy as np

from ..config.schema import PipelineConfig
from ..plugin import Feed
from ..runtime.host import Host
from ..runtime.live import Live
from ..streaming.info import StreamInfo
from ..streaming.observer import Observer
from ..streaming.validation import targets
from ..types import Chunk, EmotionState, Fault, Floats, Output
from ..workers.resources import resident_mb
from .throughput import chunks

WARM_S = 10  # of speech, before anything is measured
# Looks on at a host's streams for as long as it is entered.
Looking = Callable[[Host], AbstractContextManager[Sequence[Observer]]]


@dataclass(frozen=True, slots=True)
class Lag:
    """How long after its segment's last sample a state was there, ms, and when that was.

    ``track`` is that of its segment: audio for a window, text for a sentence.
    """

    track: str
    emitted_s: float
    lag_ms: float


class Lags(Observer):
    """The lag of every state; what was lost, by plugin; whether every ledger reconciled."""

    def __init__(self, host: Host) -> None:
        self.lags: list[Lag] = []
        self.faults, self.dropped = Counter[str](), Counter[str]()
        self.settled = True
        found = targets(host.description, host.bus.facts)
        self._tracks: dict[str, str] = {one["target"]: one["track"] for one in found}

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState) and output.lag_ms is not None:
            self.lags.append(Lag(self._tracks[output.target], time.monotonic(), output.lag_ms))
        if isinstance(output, Fault):
            self.faults[output.plugin] += 1

    def ended(self, stream: StreamInfo, error: Exception | None) -> None:
        for name, edge in stream.ledger.record().items():
            if name != "audio":
                self.dropped[name] += sum(msgspec.convert(edge["dropped"], dict[str, int]).values())
        self.settled &= stream.ledger.settled and error is None

    def of(self, track: str) -> list[float]:
        """The lags of that track's states, ms."""
        return [one.lag_ms for one in self.lags if one.track == track]


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


def warm(host: Host, samples: Floats) -> None:
    """Has the host hear the first seconds: what is built or compiled once is there then."""
    rate = host.description.stream.rate
    for _ in host.stream("warm").play(chunks(samples[: WARM_S * rate], rate)):
        pass


def live(
    description: PipelineConfig, samples: Floats, streams: int, looking: Looking = lambda _: nullcontext(())
) -> Lags:
    """The lags of ``streams`` streams paced at real time, while others look on."""
    with Host(description) as host:
        warm(host, samples)
        lags = Lags(host)
        with looking(host) as observers:
            Live(host, [lags, *observers]).run([Voices(samples, description.stream.rate, streams)])
    return lags


@dataclass(frozen=True)
class Soak:
    """What hours of one stream left behind: MB of growth after the first tenth, descriptors, processes."""

    grown_mb: float
    descriptors: int
    processes: int


def soak(
    description: PipelineConfig, samples: Floats, hours: float, every: Callable[[float, float], None]
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

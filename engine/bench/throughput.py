"""Measures what the engine promises, on this machine: speed, the cost of the hop, of the bus, and memory.

Costs are CPU seconds of the host and its workers, all bound to one core, so other programs on the
machine disturb them little; what is compared is measured in turns in one run.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from ..audio.ingest import read_audio
from ..config.schema import BusTable, PipelineConfig
from ..runtime.host import Host, open_source
from ..types import Chunk, EmotionState, Floats
from ..workers.resources import resident_mb

CHUNK_S = 0.1


def one_core() -> None:
    """Binds this process, and all it starts, to one of its cores."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def speech(source: str, rate: int, seconds: float) -> Floats:
    """``seconds`` of the source's speech, repeated as often as needed, (n,) at ``rate`` Hz."""
    samples = np.concatenate([read_audio(feed, rate) for feed in open_source(source).feeds()])
    return np.resize(samples, round(seconds * rate))


def chunks(samples: Floats, rate: int) -> Iterator[Chunk]:
    """The samples as a microphone would deliver them."""
    size = round(CHUNK_S * rate)
    for start in range(0, len(samples), size):
        yield Chunk(samples[start : start + size, np.newaxis], rate)


def cost_s(host: Host, samples: Floats) -> float:
    """CPU seconds that the host and its workers spend on ``samples`` in a fresh stream.

    Bound to one core, that is the wall time on a machine that does nothing else.
    """
    began_s = _cpu_s(host)
    stream = host.stream("bench")
    outputs = stream.play(chunks(samples, host.description.stream.rate))
    states = sum(isinstance(output, EmotionState) for output in outputs)
    if not states or not stream.pipeline.ledger.settled:
        raise RuntimeError("a benchmark stream lost segments")
    return _cpu_s(host) - began_s


def speed(description: PipelineConfig, samples: Floats, rounds: int) -> list[float]:
    """How many times faster than real time one stream runs, once a round, after one round to warm up."""
    audio_s = len(samples) / description.stream.rate
    with Host(description) as host:
        cost_s(host, samples)
        return [audio_s / cost_s(host, samples) for _ in range(rounds)]


def ratios(first: PipelineConfig, second: PipelineConfig, samples: Floats, rounds: int) -> list[float]:
    """How many times as much ``second`` costs as ``first``, pair by pair."""
    with Host(first) as one, Host(second) as other:
        cost_s(one, samples)
        cost_s(other, samples)
        return [cost_s(other, samples) / cost_s(one, samples) for _ in range(rounds)]


def halved_hop(description: PipelineConfig) -> PipelineConfig:
    """The same pipeline with windows twice as often."""
    segments = msgspec.structs.replace(description.segments, hop_s=description.segments.hop_s / 2)
    return msgspec.structs.replace(description, segments=segments)


def over_zmq(description: PipelineConfig) -> PipelineConfig:
    """The same pipeline with a process for each plugin."""
    return msgspec.structs.replace(description, bus=BusTable(transport="ipc"))


def memory(
    description: PipelineConfig, samples: Floats, hours: float, every: Callable[[float, float], None]
) -> float:
    """MB an hour by which one stream of ``hours`` grows, by least squares over its second half.

    ``every`` gets (hours heard, resident MB) each time ``samples`` has been heard once more.
    """
    rate = description.stream.rate
    readings: list[tuple[float, float]] = []
    with Host(description) as host:
        stream = host.stream("bench")
        while not readings or readings[-1][0] < hours:
            for chunk in chunks(samples, rate):
                for _ in stream.push(chunk):
                    pass
            readings.append((stream.heard_s / 3600, resident_mb()))
            every(*readings[-1])
        for _ in stream.finish():
            pass
    late = np.array(readings[len(readings) // 2 :])
    return float(np.polyfit(late[:, 0], late[:, 1], 1)[0])


def _cpu_s(host: Host) -> float:
    """CPU seconds used so far by this process and the workers of ``host``."""
    return time.process_time() + sum(cpu_s(pid) for pid in host.bus.pids)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far; 0 when it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0.0
    # The command's name, in brackets, may hold anything; user and system time are fields 14 and 15.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load() -> str:
    """What else the machine does, in words: the mean number of processes that wanted a core, this minute."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def summary(values: list[float]) -> str:
    """Median, minimum and maximum, in words."""
    spread = f"{min(values):.2f} to {max(values):.2f}"
    return f"median {statistics.median(values):.2f} ({spread} in {len(values)} rounds)"

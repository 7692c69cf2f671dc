"""Measures a replay of very many short files: whether it slows down, and whether it grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile

from ..batch.replay import ExecutionOptions, replay
from ..config.schema import PipelineConfig
from ..types import Floats
from ..workers.resources import resident_mb
from .throughput import cpu_s

DISTINCT = 1000  # files of different content; the others are links to them, each of its own name


class Tenth(NamedTuple):
    """One tenth of the files: how long they took, and what all processes then held in memory.

    ``cpu_s`` is what host and shards computed, which other programs on the machine hardly change.
    """

    done: int
    wall_s: float
    cpu_s: float
    host_mb: float
    shards_mb: float


def generate(folder: Path, count: int, seconds: float, samples: Floats, rate: int) -> None:
    """``count`` files of ``seconds`` of the speech, begun at different places, in folders of 1000."""
    size = round(seconds * rate)
    starts = np.linspace(0, len(samples) - size, DISTINCT).astype(int)
    for number in range(count):
        path = folder / f"{number // 1000:04}" / f"{number:06}.wav"
        if number < DISTINCT:
            path.parent.mkdir(parents=True, exist_ok=True)
            start = starts[number]
            soundfile.write(path, samples[start : start + size], rate, subtype="PCM_16")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            first = number % DISTINCT
            path.hardlink_to(folder / f"{first // 1000:04}" / f"{first:06}.wav")


def tenths(
    folder: Path, description: PipelineConfig, out: Path, jobs: int, every: Callable[[Tenth], None]
) -> dict[str, Any]:
    """Replays the files below ``folder``; ``every`` gets each tenth. Returns the run's account."""
    clocks = Clocks()
    last = 0.0, 0.0

    def step(done: int, total: int, stream: str) -> None:
        nonlocal last
        if done == 1:  # the processes have started
            last = clocks.read()
        if done % max(1, total // 10) == 0:
            now, shards = clocks.read(), _children()
            wall_s, used_s = now[0] - last[0], now[1] - last[1]
            every(Tenth(done, wall_s, used_s, resident_mb(), sum(map(resident_mb, shards))))
            last = now

    return replay([str(folder)], description, out, execution=ExecutionOptions(jobs), progress=step)


class Clocks:
    """Wall time, and the CPU time of this process and its children, those that have ended included."""

    def __init__(self) -> None:
        self._children_s: dict[int, float] = {}

    def read(self) -> tuple[float, float]:
        """(wall seconds, CPU seconds)."""
        for pid in _children():
            self._children_s[pid] = max(cpu_s(pid), self._children_s.get(pid, 0.0))
        return time.monotonic(), time.process_time() + sum(self._children_s.values())


def _children() -> list[int]:
    tasks = Path("/proc/self/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]

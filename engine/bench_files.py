"""Measures a replay of very many short files: whether it slows down, and whether it grows."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile

from .config import Description
from .replay import Means, replay
from .types import Floats

DISTINCT = 1000  # files of different content; the others are links to them, each of its own name


class Tenth(NamedTuple):
    """One tenth of the files: how long they took, and what all processes then held in memory."""

    done: int
    seconds: float
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
    folder: Path, description: Description, out: Path, jobs: int, every: Callable[[Tenth], None]
) -> dict[str, Any]:
    """Replays the files below ``folder``; ``every`` gets each tenth. Returns the run's account."""
    began_s = time.monotonic()
    last_s = 0.0

    def step(done: int, total: int, stream: str) -> None:
        nonlocal began_s, last_s
        if done == 1:  # the processes have started
            began_s, last_s = time.monotonic(), 0.0
        if done % max(1, total // 10) == 0:
            now_s = time.monotonic() - began_s
            every(Tenth(done, now_s - last_s, _resident_mb("self"), sum(map(_resident_mb, _children()))))
            last_s = now_s

    return replay([str(folder)], description, out, means=Means(jobs), progress=step)


def _children() -> list[str]:
    found: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        found += (task / "children").read_text().split()
    return found


def _resident_mb(pid: str) -> float:
    """Resident memory of a process in MB (10^6 bytes), 0 when it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 1e6

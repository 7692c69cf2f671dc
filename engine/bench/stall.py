"""Measures what a plugin that stands still costs its siblings: in one run, in spells with and without.

Beside the pipeline works an extractor that no classifier needs (:mod:`.idle_control`). Its process is stopped
(SIGSTOP) and continued (SIGCONT) in turn, so what else the machine does falls on both kinds of spell alike.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from ..calls.bus import Bus, Worker
from ..config.schema import PipelineConfig, PluginTable
from ..errors import ConfigError, WorkerError
from ..runtime.host import Host
from ..runtime.live import Live
from ..types import Floats
from .live import Lag, Lags, Voices, warm
from .throughput import cpu_s

TWIN = "idle twin"
LEAD_S = 2.0  # of speech before the first spell
TAIL_S = 1.0  # after the last, in which the twin makes up for what it owes
RESAMPLES = 2000
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StallInterval:
    """One spell from ``began_s`` to ``ended_s``, the moment after the change left out.

    ``answers``: how many calls the twin answered in it.
    """

    stalled: bool
    began_s: float
    ended_s: float
    answers: int

    def lags_ms(self, lags: Sequence[Lag]) -> list[float]:
        """Those of the states that were emitted in it."""
        return [one.lag_ms for one in lags if self.began_s <= one.emitted_s < self.ended_s]


class StallIntervals:
    """A context in which a thread stops the twin's process and continues it; it goes on when this ends."""

    def __init__(self, bus: Bus, spells: int, spell_s: float, margin_s: float) -> None:
        self.done: list[StallInterval] = []
        self._bus, self._spells, self._spell_s, self._margin_s = bus, spells, spell_s, margin_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._alternate)

    def __enter__(self) -> StallIntervals:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _alternate(self) -> None:
        pid = twin(self._bus).pid
        self._over.wait(LEAD_S)
        for number in range(self._spells):
            stalled = number % 2 == 1
            if not _signal(pid, signal.SIGSTOP if stalled else signal.SIGCONT):
                return
            self._over.wait(self._margin_s)
            began_s, heard = time.monotonic(), twin(self._bus).heard
            if self._over.wait(self._spell_s - self._margin_s):
                break
            answers = twin(self._bus).heard - heard
            self.done.append(StallInterval(stalled, began_s, time.monotonic(), answers))
        _signal(pid, signal.SIGCONT)  # the streams end with what the twin still owes


def _signal(pid: int, number: signal.Signals) -> bool:
    """Sends a signal; False where the process has ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


@dataclass(frozen=True)
class Stall:
    """``spells``, by turns without a stall and with one, and the lags that fell into each.

    ``twin_share`` of a core was what the twin took; ``left_out`` states fell into no spell.
    """

    spells: Sequence[StallInterval]
    lags_ms: Sequence[Sequence[float]]
    lags: Lags
    twin_share: float

    @property
    def left_out(self) -> int:
        """States emitted before, between and after the spells."""
        return len(self.lags.lags) - sum(map(len, self.lags_ms))

    def pooled(self, stalled: bool) -> Doubles:
        """The lags of all spells of one kind, ms."""
        return np.concatenate(self.lags_ms[int(stalled) :: 2])

    def added_ms(self) -> float:
        """By how much p99 is higher with a stall than without."""
        return _p99_difference(self.lags_ms[0::2], self.lags_ms[1::2])

    def interval_ms(self, seed: int = 0) -> tuple[float, float]:
        """95 % percentile interval of :meth:`added_ms`; each spell is drawn with the one that follows.

        Lags of one spell hang together, so spells are drawn. Efron & Tibshirani 1993, section 13.3.
        """
        random, pairs = np.random.default_rng(seed), len(self.lags_ms) // 2
        drawn = (random.integers(pairs, size=pairs) for _ in range(RESAMPLES))
        found = [
            _p99_difference([self.lags_ms[2 * n] for n in one], [self.lags_ms[2 * n + 1] for n in one])
            for one in drawn
        ]
        low, high = np.nanpercentile(found, [2.5, 97.5])
        return float(low), float(high)


def _p99_difference(without: Sequence[Sequence[float]], beside: Sequence[Sequence[float]]) -> float:
    one, other = np.concatenate(without), np.concatenate(beside)
    if not len(one) or not len(other):  # drawn from spells in which nothing was said
        return float("nan")
    return float(np.percentile(other, 99) - np.percentile(one, 99))


def stall(
    description: PipelineConfig, samples: Floats, streams: int, *, pairs: int, spell_s: float, margin_s: float
) -> Stall:
    """Plays ``samples`` in ``streams`` streams at real time, beside a twin stopped every other spell.

    ``margin_s`` after each change are left out: what the twin is owed when it goes on is not measured.
    Raises ValueError where ``samples`` are too short for ``pairs`` of spells, ConfigError where no state
    falls into them.
    """
    rate = description.stream.rate
    if len(samples) < round(rate * needed_s(pairs, spell_s)):
        raise ValueError(f"{len(samples) / rate:g} s of speech hold no {pairs} pairs of spells")
    with Host(beside(description)) as host:
        warm(host, samples)
        lags, pid = Lags(host), twin(host.bus).pid
        began_s, used_s = time.monotonic(), cpu_s(pid)
        with StallIntervals(host.bus, 2 * pairs, spell_s, margin_s) as spells:
            Live(host, [lags]).run([Voices(samples, rate, streams)])
        twin_share = (cpu_s(pid) - used_s) / (time.monotonic() - began_s)
    if len(spells.done) < 2 * pairs:
        raise WorkerError(f"worker '{TWIN}' ended", got=f"{len(spells.done)} of {2 * pairs} spells")
    lags_ms = [spell.lags_ms(lags.lags) for spell in spells.done]
    if not any(lags_ms[0::2]) or not any(lags_ms[1::2]):
        raise ConfigError(
            "no state was emitted in the spells", remedy="make them longer, or play more streams"
        )
    return Stall(spells.done, lags_ms, lags, twin_share)


def needed_s(pairs: int, spell_s: float) -> float:
    """Seconds of speech for so many pairs of spells."""
    return LEAD_S + 2 * pairs * spell_s + TAIL_S


def beside(description: PipelineConfig) -> PipelineConfig:
    """The pipeline in processes that wait for nobody, and the twin beside it."""
    bus = msgspec.structs.replace(description.bus, transport="ipc", policy="drop-oldest", deadline_s=3600.0)
    table = PluginTable(
        plugin="idle",
        name=TWIN,
        options={"rate": description.stream.rate},
        command=[sys.executable, "-m", "stimmung.engine.bench.idle_control"],
    )
    return msgspec.structs.replace(description, bus=bus, extractors=[*description.extractors, table])


def twin(bus: Bus) -> Worker:
    """The twin's process; WorkerError when it is gone."""
    for worker in bus.workers():
        if worker.plugin == TWIN and worker.pid:
            return worker
    raise WorkerError(f"worker '{TWIN}' is not running")

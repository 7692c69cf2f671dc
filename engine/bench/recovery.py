"""Measures how soon a plugin answers again whose process was killed, and what its processes hold."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

import msgspec
import numpy as np

from ..calls.bus import Answer, Bus, Job, Worker
from ..calls.call import Call
from ..calls.spec import PluginSpec
from ..calls.stateful import InstanceRequest, Request
from ..config.schema import PipelineConfig, PluginTable
from ..errors import WorkerError
from ..runtime.host import Host
from ..transport.zmq_bus import START_S
from ..types import Floats, Segment, Span, read_only
from ..workers.resources import resident_mb
from .live import warm

PUMP_S = 0.005  # as often as a live stream turns the bus
Plugin = TypeVar("Plugin", bound=PluginTable)


@dataclass(frozen=True)
class Recovery:
    """``back_s``: seconds from each kill -9 to the first answer after it.

    ``held_mb``: what each process of the plugin held before.
    """

    plugin: str
    back_s: list[float]
    held_mb: list[float]


def back(description: PipelineConfig, samples: Floats, rounds: int, *, spare: bool) -> Iterator[Recovery]:
    """Kills the process that serves each plugin, ``rounds`` times; all run in processes of their own.

    With ``spare``, only plugins that have a second process, ready to take over, are killed.
    ``samples`` are heard first, so that a process holds what it does at work, and then asked about.
    """
    numbers = count()
    with Host(apart(description, spare=spare)) as host:
        warm(host, samples)
        for plugin in sorted({worker.plugin for worker in host.bus.workers()}):
            if spare and len(_of(host.bus, plugin)) == 1:
                continue
            facts = {**host.bus.listeners, **host.bus.facts}[plugin]
            job = request(facts, samples, host.description.stream.rate, next(numbers))
            held_mb = [resident_mb(worker.pid) for worker in _of(host.bus, plugin)]
            times = [_back_s(host.bus, plugin, job) for _ in range(rounds)]
            yield Recovery(plugin, times, held_mb)


def apart(description: PipelineConfig, *, spare: bool) -> PipelineConfig:
    """The pipeline with a process for each plugin, and with a spare one beside it if it can have one."""

    def alone(table: Plugin) -> Plugin:
        if table.remote:
            return table
        return msgspec.structs.replace(table, transport="ipc", spare=spare)

    activity, transcript = description.activity, description.transcript
    return msgspec.structs.replace(
        description,
        bus=msgspec.structs.replace(description.bus, transport="ipc", workers=1),
        extractors=[alone(table) for table in description.extractors],
        classifiers=[alone(table) for table in description.classifiers],
        activity=activity and msgspec.structs.replace(activity, detector=alone(activity.detector)),
        transcript=transcript and alone(transcript),
    )


def request(facts: PluginSpec, samples: Floats, rate: int, instance: int) -> Job:
    """Something that a plugin of these facts can be asked at any time."""
    span = Span(0, min(len(samples), rate), rate)
    if facts.kind in ("detector", "transcriber"):
        return InstanceRequest(facts.name, instance, Request("open", span), live=True)
    if facts.kind == "classifier":
        inputs = (read_only(np.zeros((1, needed.dim), np.float32)) for needed in facts.inputs)
        return Call(facts.name, "predict", tuple(inputs))
    heard = read_only(samples[: span.stop])
    if facts.kind == "frame_extractor":
        return Call(facts.name, "describe", (heard,))
    segment = Segment("bench", 0, span, heard, text="Is anybody there?")
    return Call(facts.name, "extract" if facts.kind == "extractor" else "encode", segment=segment)


def _back_s(bus: Bus, plugin: str, job: Job) -> float:
    _wait_for_all(bus)
    before = {worker.pid: worker.heard for worker in _of(bus, plugin)}
    _answer(bus, job)
    (asked,) = [worker.pid for worker in _of(bus, plugin) if worker.heard > before[worker.pid]]
    killed_s = time.monotonic()
    os.kill(asked, signal.SIGKILL)
    _answer(bus, job)
    return time.monotonic() - killed_s


def _of(bus: Bus, plugin: str) -> list[Worker]:
    return [worker for worker in bus.workers() if worker.plugin == plugin]


def _wait_for_all(bus: Bus) -> None:
    """Until every process is there, those that were killed before too: they would take computing time."""
    deadline_s = time.monotonic() + START_S
    while loading := [worker.plugin for worker in bus.workers() if not worker.heard]:
        bus.pump(PUMP_S)
        if time.monotonic() > deadline_s:
            raise WorkerError(f"a process of plugin '{loading[0]}' was not ready within {START_S:g} s")


def _answer(bus: Bus, job: Job) -> None:
    """Puts the job and waits for what comes of it; WorkerError where that is a failure."""
    answers: list[Answer] = []
    bus.submit(job, answers.append)
    while not answers:
        bus.pump(PUMP_S)
    if answers[0].reason:
        raise WorkerError(f"plugin '{job.plugin}' did not answer", got=answers[0].error)

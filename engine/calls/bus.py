"""Calls to plugins behind one interface: here in this thread, or over ZeroMQ to workers.

A bus is shared by all streams of a process and used from one thread. Every call is answered exactly
once, with a result or with the reason there is none, in any order; the answer goes to the function
that was handed over with the call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from ..config.schema import PipelineConfig, PluginTable
from ..registry import Role
from ..types import Floats
from .call import Call
from .spec import PluginSpec
from .stateful import InstanceRequest, Response


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call: its values, or a reason (``failed``, ``late``) and an error in words.

    ``block`` numbers the values, for calls that build on them. What is asked is answered by a ``response``.
    """

    values: Floats | None
    reason: str = ""
    error: str = ""
    block: int = 0
    response: Response | None = None


Job = Call | InstanceRequest
Then = Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class Worker:
    """One process that serves a plugin: ``pid`` is 0 while it is dead, ``parked`` when it stays so.

    ``heard`` counts its messages: none until it is ready, and one an answer from then on. ``spare``: it is
    not asked, because as many as should be are.
    """

    plugin: str
    pid: int
    restarts: int
    parked: bool
    heard: int
    spare: bool


class Bus(Protocol):
    """Calls in, answers out."""

    @property
    def facts(self) -> Mapping[str, PluginSpec]:
        """What each plugin declares, by its name in the pipeline."""
        ...

    @property
    def listeners(self) -> Mapping[str, PluginSpec]:
        """What each process declares that holds the instances of a detector or a transcriber, by its name."""
        ...

    def submit(self, call: Job, then: Then) -> None:
        """Hands a call over; with a full queue it waits, or gives up an older call."""
        ...

    def leave(self, plugin: str, instance: int) -> None:
        """An instance of a detector or a transcriber is not asked again."""
        ...

    def pump(self, timeout_s: float = 0.0) -> bool:
        """Hands out the answers that have come, waiting ``timeout_s`` for a first; False if none has."""
        ...

    def rolling_restart(self) -> None:
        """Replaces every worker process by one that loads its plugin afresh; streams go on meanwhile.

        May be called from a signal handler: it only leaves word, and the next turn acts on it.
        """
        ...

    def workers(self) -> Sequence[Worker]:
        """Every worker process; none where plugins run in this one."""
        ...

    @property
    def restarts(self) -> int:
        """How often a worker had to be started again."""
        ...

    @property
    def pids(self) -> list[int]:
        """The processes that serve plugins besides this one."""
        ...

    def close(self) -> None:
        """Ends the workers; calls still open are never answered."""
        ...


def hand_out(answers: deque[tuple[Then, Answer]]) -> bool:
    """Gives each answer to whoever waits for it, and those that come meanwhile; False if there was none."""
    some = bool(answers)
    while answers:
        then, answer = answers.popleft()
        then(answer)
    return some


def roles(description: PipelineConfig) -> Iterator[tuple[Role, PluginTable]]:
    """Every plugin that is called over a bus, with the role it plays."""
    for table in description.extractors:
        yield "extractor", table
    for table in description.classifiers:
        yield "classifier", table.served


def apart(description: PipelineConfig) -> list[tuple[Role, PluginTable]]:
    """Every detector and transcriber with processes of its own: a table for each of its workers."""
    workers = description.bus.workers
    return [
        (role, table if workers == 1 else replace(table, name=f"{table.name} {number}"))
        for role, table in description.listeners
        if table.apart
        for number in range(1, workers + 1)
    ]

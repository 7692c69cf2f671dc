"""Starts worker processes, watches them, and starts them again.

A worker that dies is replaced at once; one that keeps dying without having answered a call is
replaced ever more slowly and after ``MAX_DEATHS`` deaths in a row is parked. One that hangs, floods or holds
too much memory is killed, which is a death like any other. A worker whose plugin was
upgraded serves on until its successor has said hello. The supervisor never waits:
:meth:`Supervisor.watch` is called by the bus whenever it turns.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from ..calls.bus import Worker
from ..errors import ConfigError, WorkerError
from .process import Assignment
from .resources import one_thread, resident_mb

log = logging.getLogger("stimmung.supervisor")

MAX_DEATHS = 5
FIRST_DELAY_S = 0.1
STDERR = 2


@dataclass(slots=True)
class WorkerSlot:
    """The slot of one worker: the process that fills it now, and how its predecessors fared."""

    assignment: Assignment
    number: int
    generation: int = 0
    deaths: int = 0
    due_s: float = 0.0
    launched_s: float = 0.0
    heard: int = 0
    process: subprocess.Popen[bytes] | None = None
    replaces: WorkerSlot | None = None
    retired: bool = False

    @property
    def name(self) -> str:
        """The plugin's name in the pipeline."""
        return self.assignment.table.name

    @property
    def identity(self) -> str:
        """The wire identity of the present worker; its successors have others."""
        return f"{self.name}.{self.number}.{self.generation}"

    @property
    def parked(self) -> bool:
        """True when the worker died too often to be replaced again."""
        return self.deaths >= MAX_DEATHS

    @property
    def serves(self) -> bool:
        """True but for a successor that is not ready yet, and for whom one took over."""
        return self.replaces is None and not self.retired

    @property
    def program(self) -> list[str]:
        """The program that serves the plugin, before its arguments."""
        table = self.assignment.table
        return table.command or [table.python or sys.executable, "-m", "stimmung.engine.workers.process"]

    def launch(self, endpoint: str) -> None:
        """Starts the process, which serves over ``endpoint``; OSError where there is no such program."""
        assignment = msgspec.json.encode(self.assignment).decode()
        arguments = [endpoint, self.identity, str(os.getpid()), assignment]
        environment = {**os.environ, **one_thread()}
        if self.assignment.table.foreign:
            # What this interpreter was told to import is not meant for another.
            for name in ("PYTHONPATH", "PYTHONHOME"):
                environment.pop(name, None)
        self.launched_s = time.monotonic()
        self.process = subprocess.Popen(
            # What a plugin prints is no result of the run.
            [*self.program, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=STDERR,
        )

    def bury(self) -> None:
        """The process has ended."""
        assert self.process is not None
        code = self.process.returncode
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        if self.retired:
            self.process = None
            return
        self.died()
        log.warning("worker %s ended %s%s", self.identity, how, "; it is parked" if self.parked else "")

    def died(self) -> None:
        """Notes a death, and when the next worker is due."""
        self.process, self.heard = None, 0
        self.deaths += 1
        delay_s = 0.0 if self.deaths == 1 else FIRST_DELAY_S * 2 ** (self.deaths - 1)
        self.due_s = time.monotonic() + delay_s


@dataclass(slots=True)
class Supervisor:
    """The worker processes behind one endpoint."""

    endpoint: str
    slots: list[WorkerSlot] = field(default_factory=list)
    restarts: int = 0

    def start(self, assignment: Assignment, workers: int) -> None:
        """Starts ``workers`` processes that serve the assignment."""
        for number in range(workers):
            slot = WorkerSlot(assignment, number)
            self.slots.append(slot)
            try:
                slot.launch(self.endpoint)
            except OSError as error:
                raise ConfigError(
                    f"the worker of plugin '{slot.name}' cannot be started",
                    got=f"{error.strerror}: {slot.program[0]}",
                    remedy="correct python or command, or make that environment",
                ) from None

    def rolling_restart(self, names: Container[str]) -> None:
        """Starts a successor beside every worker of the plugins called ``names``."""
        for slot in [one for one in self.slots if one.name in names and one.serves]:
            number = 1 + max(other.number for other in self.slots)
            successor = WorkerSlot(slot.assignment, number, replaces=slot)
            try:
                successor.launch(self.endpoint)
            except OSError as error:
                log.error("no successor of worker %s: %s; it serves on", slot.identity, error)
                continue
            self.slots.append(successor)

    def promote(self, identity: bytes) -> bytes | None:
        """A successor is ready: the identity of the worker it replaces, which is retired now."""
        slot = self._successor(identity)
        if slot is None or slot.replaces is None:
            return None
        old, slot.replaces = slot.replaces, None
        old.retired = True
        if old.process is None:
            self.slots.remove(old)
        log.warning("worker %s took over from %s", slot.identity, old.identity)
        return old.identity.encode()

    def reject(self, identity: bytes, error: str) -> bool:
        """Ends a successor that cannot serve; False when ``identity`` is none."""
        slot = self._successor(identity)
        if slot is None or slot.process is None:
            return False
        log.error("successor %s is refused, its predecessor serves on: %s", slot.identity, error)
        slot.process.kill()
        slot.process.wait()
        self.slots.remove(slot)
        return True

    def _successor(self, identity: bytes) -> WorkerSlot | None:
        waiting = (one for one in self.slots if one.replaces is not None)
        return next((one for one in waiting if one.identity.encode() == identity), None)

    def watch(self) -> list[bytes]:
        """The identities of the workers found dead since the last call; replacements are started."""
        dead = []
        for slot in [*self.slots]:
            if slot.process is not None and slot.process.poll() is not None:
                dead.append(slot.identity.encode())
                slot.bury()
                if slot.retired or slot.replaces is not None:
                    self.slots.remove(slot)
                    continue
            if slot.process is None and not slot.parked and time.monotonic() >= slot.due_s:
                self._restart(slot)
        return dead

    def _restart(self, slot: WorkerSlot) -> None:
        slot.generation += 1
        self.restarts += 1
        try:
            slot.launch(self.endpoint)
        except OSError as error:  # its environment may be about to be made again
            log.warning("worker %s cannot be restarted: %s", slot.identity, error)
            slot.died()
            return
        log.warning("worker %s restarted as process %s", slot.identity, self.pid(slot.identity))

    def greeted(self, identity: bytes) -> None:
        """The worker said hello."""
        for slot in self.slots:
            if slot.identity.encode() == identity:
                slot.heard = 1

    def answered(self, identity: bytes) -> None:
        """The worker answered a call: whatever its predecessors died of is over."""
        for slot in self.slots:
            if slot.identity.encode() == identity:
                slot.heard += 1
                slot.deaths = 0

    def parked(self, name: str) -> bool:
        """True when every worker of the plugin called ``name`` is parked."""
        slots = [slot for slot in self.slots if slot.name == name and slot.serves]
        return bool(slots) and all(slot.parked for slot in slots)

    def pid(self, identity: str) -> int:
        """The process of a living worker; WorkerError when it is not running."""
        for slot in self.slots:
            if slot.identity == identity and slot.process is not None:
                return slot.process.pid
        raise WorkerError(f"worker '{identity}' is not running")

    def workers(self, asked: Mapping[str, Container[bytes]]) -> list[Worker]:
        """Every worker that serves, alive or not; whoever is not ``asked`` where others are is a spare."""
        return [
            Worker(
                slot.name,
                slot.process.pid if slot.process else 0,
                slot.generation,
                slot.parked,
                slot.heard,
                slot.name in asked and slot.identity.encode() not in asked[slot.name],
            )
            for slot in self.slots
            if slot.serves
        ]

    def kill(self, identity: bytes, why: str) -> bool:
        """Kills a living worker, which :meth:`watch` then finds dead; False when it is none of these."""
        for slot in self.slots:
            if slot.identity.encode() == identity and slot.process is not None:
                log.error("worker %s is killed: %s", slot.identity, why)
                slot.process.kill()
                return True
        return False

    def above(self, limit_mb: int) -> Iterator[tuple[bytes, float]]:
        """The living workers that hold more memory than that, and how many MB each holds; 0 is no limit."""
        for slot in self.slots if limit_mb else ():
            held_mb = resident_mb(slot.process.pid) if slot.process is not None else 0.0
            if held_mb > limit_mb:
                yield slot.identity.encode(), held_mb

    def enforce_limits(self, heard: Container[bytes], start_s: float, memory_mb: int) -> None:
        """Kills whoever holds more than ``memory_mb``, 0 for no limit, or is silent for ``start_s``."""
        for identity, held_mb in self.above(memory_mb):
            self.kill(identity, f"it holds {held_mb:.0f} MB, more than memory_mb = {memory_mb}")
        for identity in self.silent(heard, start_s):
            self.kill(identity, f"it has not said hello within {start_s:g} s")

    def silent(self, heard: Container[bytes], limit_s: float) -> Iterator[bytes]:
        """The living workers that are not among those ``heard``, though they were started so long ago."""
        since_s = time.monotonic() - limit_s
        for slot in self.slots:
            identity = slot.identity.encode()
            waited_for = slot.process is not None and not slot.retired and identity not in heard
            if waited_for and slot.launched_s < since_s:
                yield identity

    @property
    def pids(self) -> list[int]:
        """The processes of all living workers."""
        return [slot.process.pid for slot in self.slots if slot.process is not None]

    def stop(self, grace_s: float = 2.0) -> None:
        """Ends every worker: those told to stop get ``grace_s``, the others are killed."""
        deadline_s = time.monotonic() + grace_s
        for slot in self.slots:
            if slot.process is None:
                continue
            try:
                slot.process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                slot.process.kill()
                slot.process.wait()
            slot.process = None

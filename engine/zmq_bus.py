"""Calls over ZeroMQ to workers in threads (inproc) or processes (ipc), pulled on credit.

Each worker says how many calls it takes at once; no more are ever on their way to it, so nothing is
lost in a socket. A call whose worker dies is asked again of another; one that took ``MAX_ATTEMPTS``
workers with it fails. A full queue makes the stream wait, or gives up the plugin's oldest waiting
call, as the pipeline says.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import zmq

from . import wire
from .bus import Answer, Then, Worker, hand_out, roles
from .call import Call, Facts, expected_shape
from .config import Description
from .errors import ConfigError, PluginError, StimmungError, WireError, WorkerError
from .supervisor import Supervisor
from .worker import Assignment, serve

log = logging.getLogger("stimmung.bus")

MAX_ATTEMPTS = 3
START_S = 120.0
THREADS = "inproc://bus"
TURN_MS = 20
WATCH_S = 0.02


@dataclass(slots=True)
class Open:
    """A call that has not been answered."""

    call: Call
    then: Then
    attempts: int = 0


@dataclass(slots=True)
class Peer:
    """A worker that said hello, the tickets on their way to it, and the blocks it keeps."""

    name: str
    credit: int
    retiring: bool = False
    tickets: set[int] = field(default_factory=set)
    kept: OrderedDict[int, None] = field(default_factory=OrderedDict)

    def keep(self, ticket: int) -> None:
        """The worker answered a describe call, and may answer ``credit`` more before it reads on."""
        self.kept[ticket] = None
        if len(self.kept) > wire.KEEP - self.credit:
            self.kept.popitem(last=False)


class ZmqBus:
    """One ROUTER socket, a queue for each plugin, and the threads or processes behind it."""

    def __init__(self, description: Description) -> None:
        self._table = description.bus
        self._folder = tempfile.TemporaryDirectory(prefix="stimmung-")
        endpoint = f"ipc://{self._folder.name}/bus"
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(THREADS)
        self._socket.bind(endpoint)
        self.supervisor = Supervisor(endpoint)
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._facts: dict[str, Facts] = {}
        self._peers: dict[bytes, Peer] = {}
        self._queues: dict[str, deque[int]] = {}
        self._open: dict[int, Open] = {}
        self._answers: deque[tuple[Then, Answer]] = deque()
        self._renew: deque[str] = deque()
        self._ticket = 0
        self._watch_s = 0.0
        try:
            self._start(description)
        except BaseException:
            self.close()
            raise

    @property
    def facts(self) -> Mapping[str, Facts]:
        return self._facts

    def submit(self, call: Call, then: Then) -> None:
        queue = self._queues[call.plugin]
        while len(queue) >= self._table.queue and self._table.policy == "block":
            self._turn(TURN_MS)
        if len(queue) >= self._table.queue:
            self._give_up(queue.popleft(), "late", f"the queue of plugin '{call.plugin}' is full")
        self._ticket += 1
        self._open[self._ticket] = Open(call, then)
        queue.append(self._ticket)
        self._dispatch(call.plugin)

    def pump(self, timeout_s: float = 0.0) -> bool:
        deadline_s = time.monotonic() + timeout_s
        self._turn(0)
        while not self._answers:
            left_ms = int(1000 * (deadline_s - time.monotonic()))
            if left_ms <= 0:
                break
            self._turn(min(TURN_MS, left_ms))
        return hand_out(self._answers)

    def renew(self) -> None:
        self._renew.extend(self._queues)

    def workers(self) -> Sequence[Worker]:
        return self.supervisor.workers()

    @property
    def restarts(self) -> int:
        return self.supervisor.restarts

    @property
    def pids(self) -> list[int]:
        return self.supervisor.pids

    def close(self) -> None:
        for identity in self._peers:
            self._socket.send_multipart([identity, *wire.encode(wire.Stop())])
        self._stopping.set()
        self.supervisor.stop()
        for thread in self._threads:
            thread.join()
        self._socket.close()
        self._context.term()
        self._folder.cleanup()

    def _start(self, description: Description) -> None:
        assignments = [Assignment(role, table) for role, table in roles(description)]
        for assignment in assignments:
            self._queues[assignment.table.name] = deque()
            if self._table.transport == "ipc" or assignment.table.apart:
                self.supervisor.start(assignment, self._table.workers)
            else:
                self._start_threads(assignment)
        deadline_s = time.monotonic() + START_S
        expected = len(assignments) * self._table.workers
        while len(self._peers) < expected:
            self._turn(TURN_MS)
            for name in self._queues:
                if self.supervisor.parked(name):
                    raise WorkerError(
                        f"the worker of plugin '{name}' cannot be started",
                        remedy="see its output; an environment of its own needs stimmung too",
                    )
            if time.monotonic() > deadline_s:
                missing = sorted(set(self._queues) - set(self._facts)) or "more workers"
                raise WorkerError(
                    f"workers did not start within {START_S:g} s", got=f"no word from {missing}"
                )

    def _start_threads(self, assignment: Assignment) -> None:
        for number in range(self._table.workers):
            identity = f"{assignment.table.name}.{number}.thread"
            thread = threading.Thread(target=self._serve_thread, args=(assignment, identity), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve_thread(self, assignment: Assignment, identity: str) -> None:
        with self._context.socket(zmq.DEALER) as socket:
            socket.setsockopt(zmq.IDENTITY, identity.encode())
            socket.connect(THREADS)
            serve(socket, assignment, alive=lambda: not self._stopping.is_set())

    def _turn(self, timeout_ms: int) -> None:
        """Takes every message that has come and looks after the workers."""
        if timeout_ms:
            self._socket.poll(timeout_ms)
        while int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            identity, *frames = self._socket.recv_multipart()
            self._take(identity, frames)
        if time.monotonic() < self._watch_s:
            return
        self._watch_s = time.monotonic() + WATCH_S
        if self._renew:
            names = {self._renew.popleft() for _ in range(len(self._renew))}
            self.supervisor.renew(names)
        for dead in self.supervisor.watch():
            self._requeue(dead)
        for name, queue in self._queues.items():
            if queue and self.supervisor.parked(name):
                self._fail_all(name)

    def _take(self, identity: bytes, frames: wire.Frames) -> None:
        try:
            message, arrays = wire.decode(frames)
        except WireError as error:
            log.warning("message from %r ignored: %s", identity, error)
            return
        if isinstance(message, wire.Refuse):
            if self.supervisor.reject(identity, message.error):
                return
            raise _refusal(message)
        if isinstance(message, wire.Hello):
            self._welcome(identity, message)
        elif identity not in self._peers:
            log.warning("message from %r ignored: it has not said hello", identity)
        elif isinstance(message, wire.Result):
            self._settle(identity, message.ticket, Answer(arrays[0], block=message.ticket))
        elif isinstance(message, wire.Failure):
            self._settle(identity, message.ticket, Answer(None, "failed", message.error))

    def _welcome(self, identity: bytes, message: wire.Hello) -> None:
        name = message.facts.name
        known = self._facts.setdefault(name, message.facts) if name in self._queues else None
        if known != message.facts:
            error = f"plugin '{name}' declares other facts than before, so its features are others"
            if not self.supervisor.reject(identity, error):
                log.error("worker %r is refused: %s", identity, error)
            return
        self._peers[identity] = Peer(name, message.credit)
        old = self.supervisor.promote(identity)
        if old is not None and old in self._peers:
            self._peers[old].retiring = True
            self._dismiss(old)
        self._dispatch(name)

    def _dismiss(self, identity: bytes) -> None:
        """Sends a retiring worker home once it has answered everything it was asked."""
        if self._peers[identity].retiring and not self._peers[identity].tickets:
            del self._peers[identity]
            self._socket.send_multipart([identity, *wire.encode(wire.Stop())])

    def _settle(self, identity: bytes, ticket: int, answer: Answer) -> None:
        peer = self._peers[identity]
        peer.tickets.discard(ticket)
        waiting = self._open.pop(ticket, None)
        self.supervisor.answered(identity)
        if answer.values is not None and (waiting is None or waiting.call.method == "describe"):
            peer.keep(ticket)
        if waiting is not None:
            facts = self._facts[waiting.call.plugin]
            self._answers.append((waiting.then, _checked(answer, waiting.call, facts)))
        self._dismiss(identity)
        self._dispatch(peer.name)

    def _give_up(self, ticket: int, reason: str, error: str) -> None:
        waiting = self._open.pop(ticket, None)
        if waiting is not None:
            self._answers.append((waiting.then, Answer(None, reason, error)))

    def _dispatch(self, name: str) -> None:
        queue = self._queues[name]
        while queue:
            free = [
                (len(peer.tickets), identity)
                for identity, peer in self._peers.items()
                if peer.name == name and not peer.retiring and len(peer.tickets) < peer.credit
            ]
            if not free:
                return
            ticket = queue.popleft()
            if ticket not in self._open:
                continue
            identity = min(free)[1]
            peer, waiting = self._peers[identity], self._open[ticket]
            peer.tickets.add(ticket)
            waiting.attempts += 1
            self._socket.send_multipart([identity, *wire.encode_call(ticket, waiting.call, peer.kept)])

    def _requeue(self, identity: bytes) -> None:
        """The worker is dead: whatever was on its way to it is asked again, in its old order."""
        peer = self._peers.pop(identity, None)
        if peer is None:
            return
        for ticket in sorted(peer.tickets & self._open.keys(), reverse=True):
            if self._open[ticket].attempts >= MAX_ATTEMPTS:
                error = f"plugin '{peer.name}' ended its worker {MAX_ATTEMPTS} times on the same call"
                self._give_up(ticket, "failed", error)
            else:
                self._queues[peer.name].appendleft(ticket)
        self._dispatch(peer.name)

    def _fail_all(self, name: str) -> None:
        queue = self._queues[name]
        for ticket in queue:
            self._give_up(ticket, "failed", f"plugin '{name}' keeps dying and is parked")
        queue.clear()


def _checked(answer: Answer, call: Call, facts: Facts) -> Answer:
    if answer.values is None:
        return answer
    expected = expected_shape(facts, call)
    if answer.values.shape == expected:
        return answer
    error = f"plugin '{facts.name}' sent shape {answer.values.shape} for {call.method}, expected {expected}"
    return Answer(None, "failed", error)


def _refusal(message: wire.Refuse) -> StimmungError:
    return ConfigError(message.error) if message.exit_code == 2 else PluginError(message.error)

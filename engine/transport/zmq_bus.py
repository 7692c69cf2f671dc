"""Calls over ZeroMQ to workers in threads, processes or on other machines, pulled on credit.

Each worker says how many calls it takes at once; no more are ever on their way to it, so nothing is
lost in a socket. A call whose worker dies is asked again of another; one that took ``MAX_ATTEMPTS``
workers with it fails, and so does one that takes longer than the deadline, with the worker that hangs in it.
A detector or a transcriber that hears a stream loses what it was asked when its worker died, once.
A spare worker is asked nothing until one of those before it is gone. A full queue makes the stream wait, or
gives up the plugin's oldest waiting call, as the pipeline says.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from ..calls.bus import Answer, Job, Then, Worker, apart, hand_out, roles
from ..calls.call import Call
from ..calls.spec import PluginSpec
from ..config.schema import PipelineConfig
from ..errors import WireError, WorkerError
from ..protocol import codec, messages
from ..protocol.codec import answer_of, encode_job
from ..workers.process import Assignment
from ..workers.supervisor import Supervisor
from ..workers.threads import WorkerThreads
from .connections import PendingCall, WorkerConnection, asked, checked, freest, in_turn, invitation, refusal
from .router import REMOTE, Router

log = logging.getLogger("stimmung.bus")

MAX_STRAYS = 1_000
START_S = 120.0
TURN_MS = 20
WATCH_S = 0.02
HEARTBEAT_S = 1.0


class ZmqBus:
    """The sockets for workers, a queue for each plugin, and the threads or processes that serve them."""

    def __init__(self, description: PipelineConfig) -> None:
        self._table = description.bus
        self._router = Router(description.bus)
        self.supervisor = Supervisor(self._router.endpoint)
        self._remote: dict[str, Assignment] = {}
        self._listening: list[str] = []
        self._at_once: dict[str, int] = {}  # of processes that serve a plugin; what is more stands by
        self._threads = WorkerThreads(self._router.context)
        self._facts: dict[str, PluginSpec] = {}
        self._connections: dict[bytes, WorkerConnection] = {}
        self._queues: dict[str, deque[int]] = {}
        self._pending: dict[int, PendingCall] = {}
        self._answers: deque[tuple[Then, Answer]] = deque()
        self._to_restart: deque[str] = deque()
        self._ticket = 0
        self._watch_s = self._heartbeat_s = 0.0
        self._strays: Counter[bytes] = Counter()
        self._served_s: dict[str, float] = {}  # when each remote plugin was last served by somebody
        try:
            self._start(description)
        except BaseException:
            self.close()
            raise

    @property
    def facts(self) -> Mapping[str, PluginSpec]:
        return {name: facts for name, facts in self._facts.items() if name not in self._listening}

    @property
    def listeners(self) -> Mapping[str, PluginSpec]:
        return {name: self._facts[name] for name in self._listening}

    def submit(self, call: Job, then: Then) -> None:
        queue = self._queues[call.plugin]
        waits = self._table.policy == "block" and (isinstance(call, Call) or not call.live)
        while len(queue) >= self._table.queue and waits:
            self._turn(TURN_MS)
        if len(queue) >= self._table.queue:
            self._give_up(queue.popleft(), "late", f"the queue of plugin '{call.plugin}' is full")
        self._ticket += 1
        self._pending[self._ticket] = PendingCall(call, then)
        queue.append(self._ticket)
        self._dispatch(call.plugin)

    def leave(self, plugin: str, instance: int) -> None:
        for identity, connection in self._connections.items():
            if connection.name == plugin:
                self._router.send(identity, codec.encode(messages.Leave(instance=instance)))

    def pump(self, timeout_s: float = 0.0) -> bool:
        deadline_s = time.monotonic() + timeout_s
        self._turn(0)
        while not self._answers:
            left_ms = int(1000 * (deadline_s - time.monotonic()))
            if left_ms <= 0:
                break
            self._turn(min(TURN_MS, left_ms))
        return hand_out(self._answers)

    def rolling_restart(self) -> None:
        self._to_restart.extend(self._queues)

    def workers(self) -> Sequence[Worker]:
        return self.supervisor.workers(asked(self._connections, self._at_once))

    @property
    def restarts(self) -> int:
        return self.supervisor.restarts

    @property
    def pids(self) -> list[int]:
        return self.supervisor.pids

    def close(self) -> None:
        for identity in self._connections:
            self._router.send(identity, codec.encode(messages.Stop()))
        self.supervisor.stop()
        self._threads.stop()
        self._router.close(forsake=self._threads.left)

    def _start(self, description: PipelineConfig) -> None:
        listening = [Assignment(role, table) for role, table in apart(description)]
        self._listening = [one.table.name for one in listening]
        called = [Assignment(role, table) for role, table in roles(description)]
        threads = 0
        for assignment in (*listening, *called):
            table, workers = assignment.table, 1 if assignment in listening else self._table.workers
            self._queues[table.name] = deque()
            if table.remote:
                self._remote[table.name] = assignment
                log.warning("a worker of '%s' may join at %s", table.name, self._router.remote)
                continue
            if self._table.transport == "ipc" or table.apart:
                self._at_once[table.name] = workers
                self.supervisor.start(assignment, workers + table.spare)
            else:
                self._threads.start(assignment, workers)
                threads += workers
        deadline_s, expected = time.monotonic() + START_S, len(self.supervisor.slots) + threads
        while sum(not connection.remote for connection in self._connections.values()) < expected or not (
            self._remote.keys() <= self._facts.keys()
        ):
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

    def _turn(self, timeout_ms: int) -> None:
        """Takes the messages that have come and looks after the workers."""
        if timeout_ms:
            self._router.wait(timeout_ms)
        for identity, frames in self._router.messages():
            self._take(identity, frames)
        now_s = time.monotonic()
        if now_s < self._watch_s:
            return
        self._watch_s = now_s + WATCH_S
        if self._to_restart:
            names = {self._to_restart.popleft() for _ in range(len(self._to_restart))}
            self.supervisor.rolling_restart(names)
        self._catch_the_hung(now_s)
        self.supervisor.enforce_limits(self._connections, START_S, self._table.memory_mb)
        for dead in self.supervisor.watch():
            self._requeue(dead)
        if now_s >= self._heartbeat_s:
            self._heartbeat_s = now_s + HEARTBEAT_S
            self._heartbeat(now_s)
        for name, queue in self._queues.items():
            if queue and (why := self._nobody_serves(name, now_s)):
                self._fail_all(name, why)

    def _catch_the_hung(self, now_s: float) -> None:
        deadline_s = self._table.deadline_s
        for identity, connection in [*self._connections.items()]:
            if not connection.tickets or connection.hung or now_s - connection.since_s < deadline_s:
                continue
            hung = next(iter(connection.tickets))
            method = connection.tickets.pop(hung)
            what = f"plugin '{connection.name}' did not answer {method} within {deadline_s:g} s"
            self._give_up(hung, "hung", what)
            self._requeue(identity, blame=False)
            killed = self.supervisor.kill(identity, what)
            if not killed and not connection.remote:  # a thread cannot be killed
                connection.tickets.clear()
                connection.hung = True
                self._connections[identity] = connection

    def _heartbeat(self, now_s: float) -> None:
        """Tells those far away that the host lives, and finds out which of them are gone."""
        for identity, connection in [*self._connections.items()]:
            if connection.remote and not self._router.send(identity, codec.encode(messages.Heartbeat())):
                log.warning("worker %r of '%s' is gone", identity, connection.name)
                self._requeue(identity)
        for connection in self._connections.values():
            self._served_s[connection.name] = now_s

    def _nobody_serves(self, name: str, now_s: float) -> str:
        """Why the calls that wait for ``name`` will not be answered, empty where they may be."""
        if self.supervisor.parked(name):
            return f"plugin '{name}' keeps dying and is parked"
        connections = [connection for connection in self._connections.values() if connection.name == name]
        if connections and all(connection.hung for connection in connections):
            return f"plugin '{name}' hangs in an earlier call"
        if name in self._remote and now_s - self._served_s.get(name, now_s) > self._table.deadline_s:
            return f"no worker of plugin '{name}' is connected"
        return ""

    def _take(self, identity: bytes, frames: messages.Frames) -> None:
        try:
            message, arrays = codec.decode(frames)
        except WireError as error:
            self._stray(identity, str(error))
            return
        if isinstance(message, messages.Refuse):
            if self.supervisor.reject(identity, message.error):
                return
            raise refusal(message)
        if isinstance(message, messages.Hello):
            self._welcome(identity, message)
        elif isinstance(message, messages.Join):
            self._router.send(identity, codec.encode(invitation(identity, message, self._remote)))
        elif identity not in self._connections:
            self._stray(identity, "it has not said hello")
        elif (answered := answer_of(message, arrays)) is not None:
            self._settle(identity, *answered)

    def _stray(self, identity: bytes, why: str) -> None:
        """A message that nobody asked for is ignored; a worker that floods is ended."""
        self._strays[identity] += 1
        if self._strays[identity] <= MAX_STRAYS // 100:
            log.warning("message from %r ignored: %s", identity, why)
        elif self._strays[identity] == MAX_STRAYS:
            self.supervisor.kill(identity, f"it sent {MAX_STRAYS} messages nobody asked for")

    def _welcome(self, identity: bytes, message: messages.Hello) -> None:
        name = message.facts.name
        if identity.startswith(REMOTE) != (name in self._remote):
            self._stray(identity, f"it may not serve '{name}'")
            return
        known = self._facts.setdefault(name, message.facts) if name in self._queues else None
        if known != message.facts:
            error = f"plugin '{name}' declares other facts than before, so its features are others"
            if not self.supervisor.reject(identity, error):
                log.error("worker %r is refused: %s", identity, error)
                self._router.send(identity, codec.encode(messages.Stop()))
            return
        connection = self._connections[identity] = WorkerConnection(
            name, message.credit, remote=identity.startswith(REMOTE)
        )
        self.supervisor.greeted(identity)
        old = self.supervisor.promote(identity)
        if old is not None and old in self._connections:
            self._connections[old].retiring = True
            connection.place = self._connections[old].place  # the successor of a spare is one
            self._dismiss(old)
        self._dispatch(name)

    def _dismiss(self, identity: bytes) -> None:
        """Sends a retiring worker home once it has answered everything it was asked."""
        if self._connections[identity].retiring and not self._connections[identity].tickets:
            del self._connections[identity]
            self._router.send(identity, codec.encode(messages.Stop()))

    def _settle(self, identity: bytes, ticket: int, answer: Answer) -> None:
        connection = self._connections[identity]
        connection.hung = False
        method = connection.answered(ticket)
        if method is None:
            self._stray(identity, f"nobody asked it for {ticket}")
            return
        waiting = self._pending.pop(ticket, None)
        self.supervisor.answered(identity)
        if answer.values is not None and method == "describe":
            connection.keep(ticket)
        if waiting is not None:
            facts = self._facts[waiting.call.plugin]
            self._answers.append((waiting.then, checked(answer, waiting.call, facts)))
        self._dismiss(identity)
        self._dispatch(connection.name)

    def _give_up(self, ticket: int, reason: str, error: str) -> None:
        waiting = self._pending.pop(ticket, None)
        if waiting is not None:
            self._answers.append((waiting.then, Answer(None, reason, error)))

    def _dispatch(self, name: str) -> None:
        queue = self._queues[name]
        while queue:
            identity = freest(in_turn(self._connections, name)[: self._at_once.get(name)])
            if identity is None:
                return
            ticket = queue.popleft()
            if ticket not in self._pending:
                continue
            connection, waiting = self._connections[identity], self._pending[ticket]
            connection.asked(ticket, waiting.call.method)
            if not self._router.send(identity, encode_job(ticket, waiting.call, connection.kept)):
                self._requeue(identity)

    def _requeue(self, identity: bytes, *, blame: bool = True) -> None:
        """The worker is gone: whatever was on its way to it is asked again, in its old order.

        With ``blame`` the call it had in hand may be what ended it.
        """
        connection = self._connections.pop(identity, None)
        if connection is None:
            return
        in_hand = next(iter(connection.tickets), None) if blame else None  # the others it had not begun
        for ticket in sorted(connection.tickets.keys() & self._pending.keys(), reverse=True):
            self._pending[ticket].attempts += ticket == in_hand
            if self._pending[ticket].hopeless:
                error = f"plugin '{connection.name}' ended its worker {self._pending[ticket].often}"
                self._give_up(ticket, "failed", error)
            else:
                self._queues[connection.name].appendleft(ticket)
        self._dispatch(connection.name)

    def _fail_all(self, name: str, why: str) -> None:
        queue = self._queues[name]
        for ticket in queue:
            self._give_up(ticket, "failed", why)
        queue.clear()

"""Serves one plugin's calls, in a process or a thread of its own.

A worker holds nothing between two calls that its host could not send again, so it may be killed at any
moment: the host asks another one the same question and gets the same answer. A message it cannot
read is answered with a failure and never ends it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec
import zmq
from threadpoolctl import threadpool_limits

from . import wire
from .call import Facts, facts_of, perform
from .config import PluginTable
from .errors import StimmungError, WireError
from .registry import Role, build
from .types import Floats

CREDIT = 4  # enough that a worker never waits for the host between two calls
IDLE_MS = 500


class Assignment(msgspec.Struct, frozen=True):
    """What a worker is told to serve: the plugin's table and its role."""

    role: Role
    table: PluginTable


def serve(socket: zmq.Socket[bytes], assignment: Assignment, alive: Callable[[float], bool]) -> None:
    """Answers calls on a connected DEALER ``socket`` until told to stop, or ``alive`` is false.

    It is asked with the seconds since the host was heard last.
    """
    name = assignment.table.name
    try:
        plugin = build(assignment.role, assignment.table.plugin, assignment.table.options)
        server = Server(plugin, facts_of(name, plugin))
    except StimmungError as error:
        socket.send_multipart(wire.encode(wire.Refuse(error=str(error), exit_code=error.exit_code)))
        raise
    # One thread a call: results must not depend on the machine's cores. OpenMP's limit is a thread's own.
    with threadpool_limits(1):
        socket.send_multipart(wire.encode(wire.Hello(facts=server.facts, credit=CREDIT, pid=os.getpid())))
        socket.setsockopt(zmq.RCVTIMEO, IDLE_MS)
        heard_s = time.monotonic()
        while alive(time.monotonic() - heard_s):
            try:
                frames = socket.recv_multipart()
            except zmq.Again:
                continue
            reply = server.answer(frames)
            heard_s = time.monotonic()
            if reply is None:
                return
            if reply:
                socket.send_multipart(reply)


class Server:
    """One built plugin and the rows it described last, which spare sending them back."""

    def __init__(self, plugin: Any, facts: Facts) -> None:
        self.facts = facts
        self._plugin = plugin
        self._kept: OrderedDict[int, Floats] = OrderedDict()

    def answer(self, frames: wire.Frames) -> list[bytes] | None:
        """The frames that answer one message, none where there is nothing to say, None for a stop."""
        ticket = -1
        try:
            message, arrays = wire.decode(frames)
            if isinstance(message, wire.Stop):
                return None
            if isinstance(message, wire.Beat):
                return []
            if not isinstance(message, wire.CallHeader):
                raise WireError("a worker takes calls only", got=type(message).__name__)
            ticket = message.ticket
            call = wire.decode_call(self.facts.name, message, arrays, self._kept)
            values = perform(self._plugin, self.facts, call)
        except StimmungError as error:
            return wire.encode(wire.Failure(ticket=ticket, error=str(error)))
        if call.method == "describe":
            self._keep(ticket, values)
        return wire.encode(wire.Result(ticket=ticket, shapes=[list(values.shape)]), [values])

    def _keep(self, ticket: int, rows: Floats) -> None:
        self._kept[ticket] = rows
        if len(self._kept) > wire.KEEP:
            self._kept.popitem(last=False)


def main() -> None:
    """Entry of a worker process: endpoint, identity, parent's process id and assignment as arguments."""
    endpoint, identity, parent, assignment = sys.argv[1:5]
    for one in (signal.SIGINT, signal.SIGTERM):  # the host decides when its workers go
        signal.signal(one, signal.SIG_IGN)
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, identity.encode())
    socket.connect(endpoint)
    try:
        serve(
            socket,
            msgspec.json.decode(assignment, type=Assignment),
            alive=lambda _: os.getppid() == int(parent),
        )
    except StimmungError:
        return  # the host knows, and says so
    finally:
        socket.close(linger=1000)
        context.term()


if __name__ == "__main__":
    main()

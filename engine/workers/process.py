"""Serves one plugin's calls, in a process or a thread of its own.

A worker holds nothing between two calls that its host could not send again, so it may be killed at any
moment: the host asks another one the same question and gets the same answer. One that holds the instances
of a detector or a transcriber says so where they begin anew.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

import msgspec
import zmq
from threadpoolctl import threadpool_limits

from ..calls.spec import spec_of
from ..config.schema import PluginTable
from ..errors import StimmungError
from ..protocol import codec, messages
from ..registry import Role, build
from .stateful import StatefulHandler
from .stateless import Handler, StatelessHandler

CREDIT = 4  # enough that a worker never waits for the host between two calls
IDLE_MS = 500


class Assignment(msgspec.Struct, frozen=True):
    """What a worker is told to serve: the plugin's table and its role."""

    role: Role
    table: PluginTable


def handler_of(assignment: Assignment) -> Handler:
    """The assigned plugin, built."""
    role, table = assignment.role, assignment.table
    if role in ("detector", "transcriber"):
        return StatefulHandler(role, table)
    plugin = build(role, table.plugin, table.options)
    return StatelessHandler(plugin, spec_of(table.name, plugin))


BuildHandler = Callable[[Assignment], Handler]


def serve(
    socket: zmq.Socket[bytes],
    assignment: Assignment,
    alive: Callable[[float], bool],
    build_handler: BuildHandler = handler_of,
) -> None:
    """Answers calls on a connected DEALER ``socket`` until told to stop, or ``alive`` is false.

    It is asked with the seconds since the host was heard last.
    """
    try:
        handler = build_handler(assignment)
    except StimmungError as error:
        socket.send_multipart(codec.encode(messages.Refuse(error=str(error), exit_code=error.exit_code)))
        raise
    # One thread a call: results must not depend on the machine's cores. OpenMP's limit is a thread's own.
    with threadpool_limits(1):
        socket.send_multipart(
            codec.encode(messages.Hello(facts=handler.facts, credit=CREDIT, pid=os.getpid()))
        )
        socket.setsockopt(zmq.RCVTIMEO, IDLE_MS)
        heard_s = time.monotonic()
        while alive(time.monotonic() - heard_s):
            try:
                frames = socket.recv_multipart()
            except zmq.Again:
                continue
            reply = handler.answer(frames)
            heard_s = time.monotonic()
            if reply is None:
                return
            if reply:
                socket.send_multipart(reply)


def main(build_handler: BuildHandler = handler_of) -> None:
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
            build_handler=build_handler,
        )
    except StimmungError:
        return  # the host knows, and says so
    finally:
        socket.close(linger=1000)
        context.term()


if __name__ == "__main__":
    main()

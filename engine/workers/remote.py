"""A worker that serves a plugin for a host on another machine, and comes back when that host does."""

from __future__ import annotations

import logging
import os
import socket as network
import threading
import time
from itertools import count

import zmq

from ..config.schema import PluginTable
from ..errors import ConfigError, WireError
from ..protocol import codec, messages
from ..protocol.messages import HEARTBEAT_MS, LARGEST_BYTES, SILENCE_MS
from ..protocol.security import check_endpoint, identify
from .process import Assignment, serve

log = logging.getLogger("stimmung.worker")

ASK_AGAIN_S = 2.0
LOST_S = 10.0  # the host beats every second


def work(endpoint: str, name: str, key: str, stopping: threading.Event) -> None:
    """Serves the plugin that the pipeline of the host at ``endpoint`` calls ``name``, until ``stopping``.

    ``key`` is the file of this machine's secret key, empty on loopback. A host that is not there, or goes,
    is waited for. Raises ConfigError when the host has no such plugin or it cannot be built here.
    """
    check_endpoint(endpoint, key, "a worker")
    with zmq.Context() as context:
        for turn in count():
            with context.socket(zmq.DEALER) as socket:
                socket.setsockopt(zmq.LINGER, 0)
                socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_BYTES)
                socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
                socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, SILENCE_MS)
                socket.setsockopt(
                    zmq.IDENTITY, f"{name}.{network.gethostname()}.{os.getpid()}.{turn}".encode()
                )
                identify(socket, key)
                socket.connect(endpoint)
                assignment = _join(socket, name, stopping)
                if assignment is None:
                    return
                log.info("serving '%s' for %s", name, endpoint)
                serve(socket, assignment, lambda silent_s: silent_s < LOST_S and not stopping.is_set())
            if stopping.wait(ASK_AGAIN_S):
                return
            log.warning("the host at %s is gone; waiting for it", endpoint)


def _join(socket: zmq.Socket[bytes], name: str, stopping: threading.Event) -> Assignment | None:
    """What the host says is to be built, None when there was no more time to wait for it."""
    asked_s = -ASK_AGAIN_S
    while not stopping.is_set():
        if time.monotonic() - asked_s >= ASK_AGAIN_S:
            asked_s = time.monotonic()
            socket.send_multipart(codec.encode(messages.Join(name=name)))
        if not socket.poll(100):
            continue
        try:
            message, _ = codec.decode(socket.recv_multipart())
        except WireError as error:
            log.warning("message ignored: %s", error)
            continue
        if isinstance(message, messages.Refuse):
            raise ConfigError(message.error, remedy="give the name that the pipeline has for it")
        if isinstance(message, messages.Assign):
            table = PluginTable(plugin=message.plugin, name=message.name, options=message.options)
            return Assignment(message.role, table)
    return None

"""States and predictions published over ZeroMQ, for any program in any language."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit

import msgspec
import zmq
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import Sink, hookimpl
from stimmung.engine.protocol.security import Guard, check_endpoint, guard
from stimmung.engine.storage.records import record
from stimmung.engine.types import Event

VERSION = 1
HIGH_WATER_MARK = 1_000  # events held for each subscriber that lags behind; the ones beyond are lost to it
LINGER_MS = 500


class Publisher:
    """A PUB socket bound to ``endpoint``; subscribe to ``state`` or ``prediction``, or to everything.

    Every message has two parts: the topic, ``state`` or ``prediction``, and a MessagePack map: ``v`` 1, and
    the keys of :func:`~stimmung.engine.storage.records.record` with ``lag_ms``. In Python::

        socket.setsockopt(zmq.SUBSCRIBE, b"state")
        topic, payload = socket.recv_multipart()
        event = msgpack.unpackb(payload)

    Publishing never waits. A subscriber gets what is published after it has joined, and loses events
    when it lags 1000 behind. ``endpoint`` is ``tcp://``, ``ipc://`` or ``inproc://``. Off loopback it is
    encrypted, for whose keys lie in the folder ``keys``, which ``stimmung keys`` makes. ConfigError for
    an endpoint that is none or in use, or that others could reach without keys.
    """

    api = 1
    name = "pub"
    example: ClassVar = {"endpoint": "tcp://127.0.0.1:*"}

    def __init__(self, endpoint: str = "tcp://127.0.0.1:5557", keys: str = "") -> None:
        check_endpoint(endpoint, keys, "sink 'pub'")
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.IPV6, ":" in (urlsplit(endpoint).hostname or ""))
        self._socket.setsockopt(zmq.SNDHWM, HIGH_WATER_MARK)
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        self._guard: Guard | None = None
        try:
            self._guard = guard(self._socket, self._context, keys)
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise ConfigError(
                f"sink 'pub' cannot publish on '{endpoint}'",
                got=str(error),
                remedy="choose another port, or tcp://127.0.0.1:* for any that is free",
            ) from error
        except ConfigError:
            self.close()
            raise
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def write(self, event: Event) -> None:
        """Publishes ``event`` at once to whoever has joined."""
        message = {"v": VERSION} | record(event, timing=True)
        self._socket.send_multipart([str(message["kind"]).encode(), msgspec.msgpack.encode(message)])

    def close(self) -> None:
        """Gives what is under way half a second to leave; again does nothing."""
        self._socket.close()
        guarded, self._guard = self._guard, None
        if guarded is not None:
            guarded.close()
        self._context.term()


@hookimpl
def stimmung_sink() -> type[Sink]:
    return Publisher

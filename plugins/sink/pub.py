"""States and predictions published over ZeroMQ, for any program in any language."""

from __future__ import annotations

import ipaddress
from typing import ClassVar
from urllib.parse import urlsplit

import msgspec
import zmq
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import Sink, hookimpl
from stimmung.engine.records import record
from stimmung.engine.types import Event

VERSION = 1
HIGH_WATER_MARK = 1_000  # events held for each subscriber that lags behind; the ones beyond are lost to it
LINGER_MS = 500


class Publisher:
    """A PUB socket bound to ``endpoint``; subscribe to ``state`` or ``prediction``, or to everything.

    Every message has two parts: the topic, ``state`` or ``prediction``, and a MessagePack map: ``v`` 1, and
    the keys of :func:`~stimmung.engine.records.record` with ``lag_ms``. In Python::

        socket.setsockopt(zmq.SUBSCRIBE, b"state")
        topic, payload = socket.recv_multipart()
        event = msgpack.unpackb(payload)

    Publishing never waits. A subscriber gets what is published after it has joined, and loses events
    when it lags 1000 behind. ``endpoint`` is ``tcp://`` on the loopback interface, ``ipc://`` or
    ``inproc://``; ConfigError for any other, and when it is in use.
    """

    api = 1
    name = "pub"
    example: ClassVar = {"endpoint": "tcp://127.0.0.1:*"}

    def __init__(self, endpoint: str = "tcp://127.0.0.1:5557") -> None:
        ipv6 = _check(endpoint)
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.IPV6, ipv6)
        self._socket.setsockopt(zmq.SNDHWM, HIGH_WATER_MARK)
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise ConfigError(
                f"sink 'pub' cannot publish on '{endpoint}'",
                got=str(error),
                remedy="choose another port, or tcp://127.0.0.1:* for any that is free",
            ) from error
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def write(self, event: Event) -> None:
        """Publishes ``event`` at once to whoever has joined."""
        message = {"v": VERSION} | record(event, timing=True)
        self._socket.send_multipart([str(message["kind"]).encode(), msgspec.msgpack.encode(message)])

    def close(self) -> None:
        """Gives what is under way half a second to leave; again does nothing."""
        self._socket.close()
        self._context.term()


def _check(endpoint: str) -> bool:
    """ConfigError for an endpoint that others could reach; True for IPv6."""
    url = urlsplit(endpoint)
    if url.scheme in ("ipc", "inproc"):
        return False
    if url.scheme != "tcp":
        raise ConfigError(
            "endpoint of sink 'pub'",
            got=f"'{endpoint}'",
            expected="tcp://127.0.0.1:PORT, ipc://PATH or inproc://NAME",
        )
    host = url.hostname or ""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ConfigError(
            "sink 'pub' would publish off this machine without encryption",
            got=f"'{endpoint}'",
            expected="a loopback address such as tcp://127.0.0.1:5557",
            remedy="off loopback CURVE keys are required",
        )
    return ":" in host


@hookimpl
def stimmung_sink() -> type[Sink]:
    return Publisher

"""The sockets through which workers come: one for this machine, and one for others where a pipeline has it.

A worker from elsewhere is known by its routing id with a mark before it, so that it can never pass for one
of this machine's.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator, Sequence

import zmq

from ..config.schema import BusTable
from ..errors import ConfigError
from ..protocol.messages import HEARTBEAT_MS, LARGEST_BYTES, SILENCE_MS, THREADS
from ..protocol.security import Guard, check_endpoint, guard

REMOTE = b"@"
MESSAGES_A_TURN = 512  # whoever floods must not keep the host from its other duties


class Router:
    """ROUTER sockets as one: ``endpoint`` is for this machine's processes, ``remote`` for others'."""

    def __init__(self, table: BusTable) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stimmung-")
        self.context = zmq.Context()
        self.endpoint, self.remote = f"ipc://{self._folder.name}/bus", ""
        self._guard: Guard | None = None
        self._near = self.context.socket(zmq.ROUTER)
        self._near.setsockopt(zmq.LINGER, 0)
        self._near.bind(THREADS)
        self._near.bind(self.endpoint)
        self._sockets = [self._near]
        self._poller = zmq.Poller()
        try:
            if table.listen:
                self._sockets.append(self._open(table.listen, table.keys))
        except BaseException:
            self.close()
            raise
        for socket in self._sockets:
            self._poller.register(socket, zmq.POLLIN)

    def _open(self, endpoint: str, keys: str) -> zmq.Socket[bytes]:
        check_endpoint(endpoint, keys, "the bus")
        socket = self.context.socket(zmq.ROUTER)
        socket.setsockopt(zmq.LINGER, 500)  # those far away must hear that they may go
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        socket.setsockopt(zmq.MAXMSGSIZE, LARGEST_BYTES)
        socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
        socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, SILENCE_MS)
        try:
            self._guard = guard(socket, self.context, keys)
            socket.bind(endpoint)
        except zmq.ZMQError as error:
            socket.close()
            raise ConfigError(
                f"the bus cannot listen on '{endpoint}'", got=str(error), remedy="choose another port"
            ) from None
        except BaseException:
            socket.close()
            raise
        self.remote = socket.getsockopt_string(zmq.LAST_ENDPOINT)
        return socket

    def wait(self, timeout_ms: int) -> None:
        """Until there is a message, for at most ``timeout_ms``."""
        self._poller.poll(timeout_ms)

    def messages(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """What has come, each with who sent it; a flood is taken a part at a time."""
        for socket in self._sockets:
            mark = REMOTE if socket is not self._near else b""
            for _ in range(MESSAGES_A_TURN):
                if not int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
                    break
                identity, *frames = socket.recv_multipart()
                yield mark + identity, frames

    def send(self, identity: bytes, frames: Sequence[bytes]) -> bool:
        """Sends to a worker; False when it is one from elsewhere and gone."""
        if not identity.startswith(REMOTE):
            self._near.send_multipart([identity, *frames])
            return True
        try:
            self._sockets[-1].send_multipart([identity.removeprefix(REMOTE), *frames], zmq.DONTWAIT)
        except zmq.ZMQError as error:
            if error.errno not in (errno.EHOSTUNREACH, errno.EAGAIN):
                raise
            return False
        return True

    def close(self, *, forsake: bool = False) -> None:
        """Closes all of them; ``forsake`` leaves the context to a thread that never comes back."""
        if self._guard is not None:
            self._guard.close()
        for socket in self._sockets:
            socket.close()
        if not forsake:
            self.context.term()
        self._folder.cleanup()

"""Workers in threads of the host's own process."""

from __future__ import annotations

import contextlib
import threading

import zmq

from ..errors import StimmungError
from ..protocol.messages import THREADS
from .process import Assignment, serve

GRACE_S = 2.0  # a thread that hangs in a plugin cannot be ended; it must not keep the host


class WorkerThreads:
    """The threads that serve plugins over ``context``."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self._context = context
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    def start(self, assignment: Assignment, workers: int) -> None:
        """Starts ``workers`` threads that serve the assignment."""
        for number in range(workers):
            identity = f"{assignment.table.name}.{number}.thread"
            thread = threading.Thread(target=self._serve, args=(assignment, identity), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Waits for those that come back from their plugins."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(GRACE_S)

    @property
    def left(self) -> bool:
        """True while one still runs."""
        return any(thread.is_alive() for thread in self._threads)

    def _serve(self, assignment: Assignment, identity: str) -> None:
        with self._context.socket(zmq.DEALER) as socket:
            socket.setsockopt(zmq.IDENTITY, identity.encode())
            socket.connect(THREADS)
            with contextlib.suppress(StimmungError):  # the host knows, and says so
                serve(socket, assignment, alive=lambda _: not self._stopping.is_set())

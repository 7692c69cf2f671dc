"""Sends what a source hears to the source ``net`` of a host elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec
import numpy as np
import zmq

from ..plugin import Feed
from ..protocol.security import check_endpoint, identify

log = logging.getLogger("stimmung.push")

WAIT_MS = 1_000
HELD = 500  # messages that wait for the host; later ones are given up and leave a gap


class Pusher:
    """A PUSH socket connected to ``endpoint``; ``key`` is the file of this machine's secret key."""

    def __init__(self, endpoint: str, key: str) -> None:
        check_endpoint(endpoint, key, "what is pushed")
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUSH)
        self._socket.setsockopt(zmq.SNDHWM, HELD)
        self._socket.setsockopt(zmq.LINGER, WAIT_MS)
        self.lost = 0
        try:
            identify(self._socket, key)
        except BaseException:
            self.close()
            raise
        self._socket.connect(endpoint)

    def push(self, feed: Feed, stopping: Callable[[], bool], *, wait: bool) -> None:
        """Sends a feed to its end; ``wait`` for the host rather than give anything up."""
        position = 0
        for chunk in feed.chunks:
            position = position if chunk.start is None else chunk.start
            header = {"v": 1, "stream": feed.stream, "rate": chunk.rate, "start": position}
            header["channels"] = chunk.samples.shape[1]
            samples = np.ascontiguousarray(chunk.samples, "<f4").tobytes()
            position += len(chunk.samples)
            self._send([b"audio", msgspec.msgpack.encode(header), samples], stopping, wait=wait)
            if stopping():
                break
        end = msgspec.msgpack.encode({"v": 1, "stream": feed.stream})
        self._send([b"end", end], stopping, wait=wait)

    def close(self) -> None:
        """Gives what is under way a second to leave."""
        self._socket.close()
        self._context.term()

    def _send(self, frames: list[bytes], stopping: Callable[[], bool], *, wait: bool) -> None:
        while not self._socket.poll(WAIT_MS if wait else 0, zmq.POLLOUT):
            if wait and not stopping():
                continue
            self.lost += 1
            if self.lost == 1:
                log.warning("the host takes nothing; what is heard meanwhile is lost")
            return
        self._socket.send_multipart(frames)

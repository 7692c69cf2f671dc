"""Keeps the recent past of every stream and gives each message to whoever looks on.

Publishing never waits: a viewer who is too slow loses what is queued for it, is told how many
messages that were, and is given the present anew.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

Message = Mapping[str, Any]

# How many messages of each kind are kept of a stream; kinds that are not listed are passed on only.
KEPT = {
    "stream": 1,
    "ledger": 1,
    "state": 4000,
    "sentence": 300,
    "words": 300,
    "audio": 600,
    "activity": 120,
    "fault": 50,
}
TO_ALL = frozenset({"hello", "health", "stream", "gone", "state"})  # the others to who watches their stream
QUEUED = 512  # messages for one viewer
ENDED = 50  # streams that are remembered after their end


class Viewer:
    """One who looks on: a bounded queue of encoded messages. ``wake`` must be callable from any thread."""

    def __init__(self, wake: Callable[[], None], queued: int = QUEUED) -> None:
        self.watched: str | None = None
        self.lost = 0  # messages, since it was last told
        self._wake, self._limit = wake, queued
        self._queue: deque[bytes] = deque()

    def offer(self, data: bytes) -> None:
        """Queues a message; when the queue is full, all that is in it is lost to the viewer."""
        if len(self._queue) >= self._limit:
            self.lost += len(self._queue)
            self._queue.clear()
        self._queue.append(data)
        if len(self._queue) == 1:
            self._wake()

    def take(self) -> list[bytes]:
        """What is queued."""
        queued = list(self._queue)
        self._queue.clear()
        return queued


class Hub:
    """Messages in, from any thread; viewers' queues out. ``kept`` changes how much of the past is kept.

    A message is a plain mapping with a ``kind``, and a ``stream`` unless it concerns them all.
    """

    def __init__(self, kept: Mapping[str, int] | None = None) -> None:
        self._limits = {**KEPT, **(kept or {})}
        self._lock = threading.Lock()
        self._number = 0
        self._globals: dict[str, bytes] = {}
        self._pasts: dict[str, _Past] = {}
        self._viewers: set[Viewer] = set()
        self.skipped = 0  # messages lost to slow viewers

    def publish(self, message: Message) -> None:
        """Keeps a message and queues it for whoever it concerns."""
        kind, stream = message["kind"], message.get("stream")
        data = msgspec.json.encode(message)
        with self._lock:
            if stream is None:
                self._globals[kind] = data
            else:
                self._keep(message, data)
            self._pass_on(kind, stream, data)
            if kind == "stream" and message.get("phase") != "live":
                self._forget_oldest()

    def join(self, viewer: Viewer) -> None:
        """The viewer is told which streams there are and how each does, and of all that follows."""
        with self._lock:
            self._viewers.add(viewer)
            self._introduce(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Nothing more is queued for the viewer."""
        with self._lock:
            self._viewers.discard(viewer)

    def watch(self, viewer: Viewer, stream: str) -> None:
        """From now on the viewer gets everything of that stream, its past first; it may be yet to begin."""
        with self._lock:
            viewer.watched = stream
            if stream in self._pasts:
                viewer.offer(self._pasts[stream].encode(stream))

    def take(self, viewer: Viewer) -> list[bytes]:
        """What is queued for the viewer; after a loss, how much was lost and the present anew."""
        with self._lock:
            if not viewer.lost:
                return viewer.take()
            self.skipped += viewer.lost
            lost, viewer.lost = viewer.lost, 0
            viewer.take()
            self._introduce(viewer)
            if viewer.watched in self._pasts:
                viewer.offer(self._pasts[viewer.watched].encode(viewer.watched))
            told = viewer.take()
            viewer.lost = 0  # what was queued just now is in what is told
            return [msgspec.json.encode({"kind": "skipped", "messages": lost}), *told]

    @property
    def viewers(self) -> int:
        """How many look on now."""
        return len(self._viewers)

    def _keep(self, message: Message, data: bytes) -> None:
        kind, stream = message["kind"], message["stream"]
        if kind == "stream" and message.get("phase") == "live":
            self._pasts.pop(stream, None)  # a name that comes again is a new stream
        past = self._pasts.setdefault(stream, _Past())
        self._number += 1
        if kind in self._limits:
            kept = past.kinds.setdefault(kind, deque(maxlen=self._limits[kind]))
            kept.append((self._number, data))
        if kind == "state":
            past.latest[message["target"]] = data
        if kind == "stream":
            past.over = message.get("phase") != "live"

    def _pass_on(self, kind: str, stream: str | None, data: bytes) -> None:
        for viewer in self._viewers:
            if kind in TO_ALL or viewer.watched == stream:
                viewer.offer(data)

    def _forget_oldest(self) -> None:
        over = [stream for stream, past in self._pasts.items() if past.over]
        for stream in over[:-ENDED]:
            del self._pasts[stream]
            self._pass_on("gone", stream, msgspec.json.encode({"kind": "gone", "stream": stream}))

    def _introduce(self, viewer: Viewer) -> None:
        told = [*self._globals.values()]
        for past in self._pasts.values():
            told += [data for _, data in past.kinds.get("stream", ())]
            told += past.latest.values()
        viewer.offer(_joined("introduction", None, told))


@dataclass
class _Past:
    """The messages that are kept of one stream, numbered in the order of all."""

    kinds: dict[str, deque[tuple[int, bytes]]] = field(default_factory=dict)
    latest: dict[str, bytes] = field(default_factory=dict)  # state by target
    over: bool = False

    def encode(self, stream: str) -> bytes:
        """All of it as one message of kind ``past``."""
        return _joined("past", stream, [data for _, data in sorted(chain(*self.kinds.values()))])


def _joined(kind: str, stream: str | None, messages: list[bytes]) -> bytes:
    head = msgspec.json.encode({"kind": kind, **({} if stream is None else {"stream": stream})})
    return head[:-1] + b',"messages":[' + b",".join(messages) + b"]}"

"""Replays the files of a corpus in several processes; what comes back is in the order of the files.

A shard is a process that goes through the same feeds as its parent and replays those whose numbers
it is told: one number a line in, one JSON line out, nothing else. A shard that dies is replaced and
its file tried again; a file that ends ``MAX_ATTEMPTS`` shards becomes an error.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from types import TracebackType

import msgspec

from .config import Description
from .host import Host
from .playback import Finished, feeds, replay_feed
from .supervisor import one_thread

MAX_ATTEMPTS = 3
AHEAD = 8  # files per shard that may wait for a slower predecessor: bounds memory


class Orders(msgspec.Struct, frozen=True):
    """What a shard is told first."""

    paths: list[str]
    description: Description
    chunk_ms: float | None


class Shards:
    """``jobs`` processes that replay the files below ``paths``; a context that ends them."""

    def __init__(
        self, paths: Sequence[str], description: Description, chunk_ms: float | None, jobs: int
    ) -> None:
        self._orders = Orders(list(paths), description, chunk_ms)
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(jobs)
        self._idle: queue.SimpleQueue[Shard] = queue.SimpleQueue()
        for _ in range(jobs):
            self._idle.put(Shard(self._orders))

    def run(self) -> Iterator[Finished]:
        """Every file's result, in order."""
        pending: deque[Future[Finished]] = deque()
        for number, feed in enumerate(feeds(self._orders.paths, self._orders.chunk_ms)):
            pending.append(self._pool.submit(self._replay, number, feed.stream))
            if len(pending) >= AHEAD * self._jobs:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _replay(self, number: int, stream: str) -> Finished:
        shard = self._idle.get()
        try:
            for _ in range(MAX_ATTEMPTS):
                finished = shard.replay(number)
                if finished is not None:
                    return finished
                shard.close()
                shard = Shard(self._orders)
        finally:
            self._idle.put(shard)
        error = f"'{stream}' ended {MAX_ATTEMPTS} processes that replayed it; replay it alone to see why"
        return Finished(stream, errors=[{"stream": stream, "kind": "WorkerError", "error": error}])

    def __enter__(self) -> Shards:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        while not self._idle.empty():
            self._idle.get().close()


class Shard:
    """The parent's end of one process."""

    def __init__(self, orders: Orders) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stimmung.engine.shards"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **one_thread()},
        )
        self._send(msgspec.json.encode(orders))

    def replay(self, number: int) -> Finished | None:
        """The result for feed ``number``, None when the process is gone."""
        assert self.process.stdout is not None
        if not self._send(str(number).encode()):
            return None
        line = self.process.stdout.readline()
        return msgspec.json.decode(line, type=Finished) if line.endswith(b"\n") else None

    def close(self) -> None:
        """Ends the process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _send(self, line: bytes) -> bool:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        return True


def serve() -> None:
    """The shard's end: orders on the first line of standard input, then feed numbers in ascending order."""
    lines, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a plugin prints must not end up among the answers
    orders = msgspec.json.decode(lines.readline(), type=Orders)
    offered = zip(count(), feeds(orders.paths, orders.chunk_ms), strict=False)
    with Host(orders.description) as host:
        restarts = 0
        for line in lines:
            feed = next(feed for number, feed in offered if number == int(line))
            finished = replay_feed(host, feed)
            finished.restarts, restarts = host.restarts - restarts, host.restarts
            answers.write(msgspec.json.encode(finished) + b"\n")
            answers.flush()


if __name__ == "__main__":
    serve()

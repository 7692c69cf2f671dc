"""Replays items in several processes of this machine; what comes back is in the order of finishing.

A shard is a process that is told how to replay, and then one item after another: a line in, one JSON line
out, nothing else. A shard that dies is replaced and its item tried again; an item that ends ``MAX_ATTEMPTS``
shards becomes an error.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType

import msgspec

from ..workers.resources import one_thread
from .manifest import ManifestEntry
from .replayer import Replayer, ReplayJob, ReplayResult

MAX_ATTEMPTS = 3
AHEAD = 8  # results per shard that may wait to be taken: bounds memory

Result = tuple[int, bytes]


class ProcessPool:
    """``jobs`` processes that replay items; a context that ends them."""

    def __init__(self, job: ReplayJob, jobs: int) -> None:
        self._job = job
        self._jobs = jobs
        self._results: queue.Queue[Result | BaseException | None] = queue.Queue(AHEAD * jobs)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self, items: Iterable[tuple[int, ManifestEntry]]) -> Iterator[Result]:
        """Each item's number and its encoded :class:`ReplayResult`, as they finish."""
        offered = iter(items)
        turn = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(offered, turn), daemon=True) for _ in range(self._jobs)
        ]
        for thread in self._threads:
            thread.start()
        working = len(self._threads)
        while working:
            result = self._results.get()
            if isinstance(result, BaseException):
                raise result
            if result is None:
                working -= 1
            else:
                yield result

    def _work(self, offered: Iterator[tuple[int, ManifestEntry]], turn: threading.Lock) -> None:
        last: BaseException | None = None
        try:
            shard = PoolProcess(self._job)
            try:
                while not self._over.is_set():
                    with turn:
                        number, item = next(offered, (0, None))
                    if item is None:
                        break
                    shard, line = self._replay(shard, item)
                    self._results.put((number, line))
            finally:
                shard.close()
        except BaseException as error:  # raised where the results are taken
            last = error
        self._results.put(last)

    def _replay(self, shard: PoolProcess, item: ManifestEntry) -> tuple[PoolProcess, bytes]:
        for _ in range(MAX_ATTEMPTS):
            line = shard.replay(item)
            if line is not None:
                return shard, line
            shard.close()
            shard = PoolProcess(self._job)
        return shard, msgspec.json.encode(lost(item))

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        while any(thread.is_alive() for thread in self._threads):
            with contextlib.suppress(queue.Empty):  # nobody may wait for room any more
                self._results.get(timeout=0.05)


def lost(item: ManifestEntry) -> ReplayResult:
    """An item that every process died of."""
    error = f"'{item.stream}' ended {MAX_ATTEMPTS} processes that replayed it; replay it alone to see why"
    return ReplayResult(item.stream, errors=[{"stream": item.stream, "kind": "WorkerError", "error": error}])


class PoolProcess:
    """The parent's end of one process."""

    def __init__(self, job: ReplayJob) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stimmung.engine.batch.process_pool"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **one_thread()},
        )
        self._send(msgspec.json.encode(job))

    def replay(self, item: ManifestEntry) -> bytes | None:
        """The item's encoded result, None when the process is gone."""
        assert self.process.stdout is not None
        if not self._send(msgspec.json.encode(item)):
            return None
        line = self.process.stdout.readline()
        return line[:-1] if line.endswith(b"\n") else None

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
    """The process's end: the job on the first line of standard input, then an item a line."""
    lines, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a plugin prints must not end up among the answers
    with Replayer(msgspec.json.decode(lines.readline(), type=ReplayJob)) as replayer:
        for line in lines:
            finished = replayer.replay(msgspec.json.decode(line, type=ManifestEntry))
            answers.write(msgspec.json.encode(finished) + b"\n")
            answers.flush()


if __name__ == "__main__":
    serve()

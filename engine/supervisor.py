"""Starts worker processes, watches them, and starts them again.

A worker that dies is replaced at once; one that keeps dying without having answered a call is
replaced ever more slowly and after ``MAX_DEATHS`` deaths in a row is parked. The supervisor never
waits: :meth:`Supervisor.watch` is called by the bus whenever it turns.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field

import msgspec

from .worker import Assignment

log = logging.getLogger("stimmung.supervisor")

MAX_DEATHS = 5
FIRST_DELAY_S = 0.1


@dataclass(slots=True)
class Post:
    """One worker's place: whoever fills it now, and how its predecessors fared."""

    assignment: Assignment
    number: int
    generation: int = 0
    deaths: int = 0
    due_s: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """The plugin's name in the pipeline."""
        return self.assignment.table.name

    @property
    def identity(self) -> str:
        """The wire identity of the present worker; its successors have others."""
        return f"{self.name}.{self.number}.{self.generation}"

    @property
    def parked(self) -> bool:
        """True when the worker died too often to be replaced again."""
        return self.deaths >= MAX_DEATHS


@dataclass(slots=True)
class Supervisor:
    """The worker processes behind one endpoint."""

    endpoint: str
    posts: list[Post] = field(default_factory=list)
    restarts: int = 0

    def start(self, assignment: Assignment, workers: int) -> None:
        """Starts ``workers`` processes that serve the assignment."""
        for number in range(workers):
            post = Post(assignment, number)
            self.posts.append(post)
            self._launch(post)

    def watch(self) -> list[bytes]:
        """The identities of the workers found dead since the last call; replacements are started."""
        dead = []
        for post in self.posts:
            if post.process is not None and post.process.poll() is not None:
                dead.append(post.identity.encode())
                self._bury(post)
            if post.process is None and not post.parked and time.monotonic() >= post.due_s:
                post.generation += 1
                self.restarts += 1
                self._launch(post)
                log.warning("worker %s restarted as process %d", post.identity, self.pid(post.identity))
        return dead

    def answered(self, identity: bytes) -> None:
        """The worker answered a call: whatever its predecessors died of is over."""
        for post in self.posts:
            if post.identity.encode() == identity:
                post.deaths = 0

    def parked(self, name: str) -> bool:
        """True when every worker of the plugin called ``name`` is parked."""
        return all(post.parked for post in self.posts if post.name == name)

    def pid(self, identity: str) -> int:
        """The process of a living worker, 0 when it is not running."""
        for post in self.posts:
            if post.identity == identity and post.process is not None:
                return post.process.pid
        return 0

    @property
    def pids(self) -> list[int]:
        """The processes of all living workers."""
        return [post.process.pid for post in self.posts if post.process is not None]

    def stop(self, grace_s: float = 2.0) -> None:
        """Ends every worker: those told to stop get ``grace_s``, the others are killed."""
        deadline_s = time.monotonic() + grace_s
        for post in self.posts:
            if post.process is None:
                continue
            try:
                post.process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                post.process.kill()
                post.process.wait()
            post.process = None

    def _launch(self, post: Post) -> None:
        command = [sys.executable, "-m", "stimmung.engine.worker"]
        assignment = msgspec.json.encode(post.assignment).decode()
        arguments = [self.endpoint, post.identity, str(os.getpid()), assignment]
        post.process = subprocess.Popen(
            [*command, *arguments], env={**os.environ, **one_thread()}, stdin=subprocess.DEVNULL
        )

    def _bury(self, post: Post) -> None:
        assert post.process is not None
        code = post.process.returncode
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        post.process = None
        post.deaths += 1
        delay_s = 0.0 if post.deaths == 1 else FIRST_DELAY_S * 2 ** (post.deaths - 1)
        post.due_s = time.monotonic() + delay_s
        log.warning("worker %s ended %s%s", post.identity, how, "; it is parked" if post.parked else "")


def one_thread() -> dict[str, str]:
    """The environment that keeps numerical libraries to one thread: processes are the parallelism here."""
    return dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

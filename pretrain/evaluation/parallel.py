"""Folds in several processes of this machine: the same results whatever their number, in the folds' order."""

from __future__ import annotations

import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from stimmung.engine.errors import WorkerError
from stimmung.engine.workers.resources import one_thread
from threadpoolctl import threadpool_limits

from ..features.extraction import Progress
from .folds import Fold

Result = TypeVar("Result", covariant=True)
Tick = Callable[[], None]
POLL_S = 0.2
WHAT = "trainings"


class Work(Protocol[Result]):
    """What is done for one fold: ``trainings`` of them, each followed by a tick; it travels to processes."""

    def trainings(self, fold: Fold) -> int: ...

    def __call__(self, fold: Fold, tick: Tick) -> Result: ...


def each(work: Work[Result], folds: Sequence[Fold], jobs: int, progress: Progress) -> list[Result]:
    """The result for each fold, computed by ``jobs`` processes with one thread each.

    ``progress`` is told how many trainings are done, of how many in all folds. With one job all happens here,
    with one thread too, as sums of many numbers depend on how many threads share them.
    """
    total, done = sum(work.trainings(fold) for fold in folds), 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total, WHAT)

    if jobs == 1 or len(folds) == 1:
        with threadpool_limits(1):
            return [work(fold, tick) for fold in folds]
    context = multiprocessing.get_context("spawn")
    ticks = context.Queue()
    with (
        _environment(one_thread()),
        ProcessPoolExecutor(min(jobs, len(folds)), context, _begin, (work, ticks)) as pool,
    ):
        pending = [pool.submit(_one, fold) for fold in folds]
        try:
            for _ in _finished(pending):
                for _ in _waiting(ticks):
                    tick()
            found = [future.result() for future in pending]
        except BrokenProcessPool as error:
            raise WorkerError("a process that trained a fold was ended", remedy="use fewer --jobs") from error
        finally:
            pool.shutdown(cancel_futures=True)
    for _ in range(total - done):  # ticks that were still on their way
        tick()
    return found


def _finished(pending: Sequence[Future[Any]]) -> Iterator[None]:
    """Now and then until all have finished, or one has failed."""
    left: set[Future[Any]] = set(pending)
    while left:
        done, left = wait(left, timeout=POLL_S)
        yield
        if any(future.exception() is not None for future in done):
            return


def _waiting(ticks: Any) -> Iterator[None]:
    while True:
        try:
            ticks.get_nowait()
        except queue.Empty:
            return
        yield


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """These variables set for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_given: list[Any] = []  # in a process that trains: the work, and where its ticks go


def _begin(work: Work[Any], ticks: Any) -> None:
    _given[:] = work, ticks


def _one(fold: Fold) -> Any:
    work, ticks = _given
    with threadpool_limits(1):
        return work(fold, lambda: ticks.put(None))

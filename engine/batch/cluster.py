"""Replays items on a Dask or Ray cluster, through joblib's backends.

This is the one module of the project that imports joblib: Dask and Ray speak no other protocol, and what
they send between their own processes they pickle inside their own library. What is handed to them here is a
function by its name and bytes of JSON, and bytes of JSON come back; the project itself pickles nothing.

Items are sharded by size, so that the shards of a wave take about the same time. Results are kept after
each wave. When a node dies the cluster gives its shards to another; a shard the cluster gives up is tried
again, and in the end item by item, so that an item that ends every process it meets is the only one lost.
All nodes must see the files under the same paths.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Literal

import joblib
import msgspec

from ..errors import ConfigError, StimmungError, WorkerError
from ..workers.resources import one_thread
from .manifest import ManifestEntry
from .process_pool import MAX_ATTEMPTS, Result, lost
from .replayer import Replayer, ReplayJob

log = logging.getLogger("stimmung.cluster")

SHARD_BYTES = 16_000_000  # eight minutes of 16 kHz FLAC or so: some seconds of work
SHARD_ITEMS = 500
SHARDS_AHEAD = 4  # shards of a wave, for each process

Shard = Sequence[tuple[int, ManifestEntry]]


class Cluster:
    """``jobs`` processes of a Dask or Ray cluster; a context that lets go of it.

    Without an ``address`` the cluster is started on this machine and ended with the context.
    """

    def __init__(
        self, job: ReplayJob, backend: Literal["dask", "ray"], jobs: int, address: str | None = None
    ) -> None:
        self._told = msgspec.json.encode(job)
        self._backend, self._jobs, self._address = backend, jobs, address
        self._stack = contextlib.ExitStack()

    def run(self, items: Shard) -> Iterator[Result]:
        """Each item's number and its encoded result, as its wave is done."""
        shards = list(shard_by_size(items, SHARD_BYTES, SHARD_ITEMS, self._jobs))
        wave = SHARDS_AHEAD * self._jobs
        for first in range(0, len(shards), wave):
            yield from self._persist(shards[first : first + wave])

    def _persist(self, shards: Sequence[Shard]) -> Iterator[Result]:
        """A wave, tried until it is done; what cannot be done is an error of its item."""
        for attempt in range(MAX_ATTEMPTS):
            try:
                yield from self._wave(shards)
            except StimmungError:
                raise
            except Exception as error:  # each library has its own words for a node that died
                log.warning("attempt %d of a wave failed: %s: %s", attempt + 1, type(error).__name__, error)
                self._recover()
            else:
                return
        if len(shards) == 1 and len(shards[0]) == 1:
            ((number, item),) = shards[0]
            yield number, msgspec.json.encode(lost(item))
            return
        for shard in shards:
            for entry in shard:
                yield from self._persist([[entry]])

    def _wave(self, shards: Sequence[Shard]) -> list[Result]:
        parallel = joblib.Parallel(n_jobs=self._jobs, pre_dispatch="all", batch_size=1)
        task = joblib.delayed(replay_shard)
        here = os.getcwd()
        answers = parallel(
            task(here, self._told, msgspec.json.encode([i for _, i in shard])) for shard in shards
        )
        return [
            (number, bytes(line))
            for shard, lines in zip(shards, answers, strict=True)
            for (number, _), line in zip(shard, lines, strict=True)
        ]

    def _recover(self) -> None:
        """Returns when there is a cluster that computes; raises WorkerError: no item is to blame for it."""
        if self._address is None:
            self._stack.close()
            self._open()
        try:
            joblib.Parallel(n_jobs=self._jobs)(joblib.delayed(os.getpid)() for _ in range(self._jobs))
        except Exception as error:  # as above
            raise WorkerError(
                f"the {self._backend} cluster no longer computes",
                got=f"{type(error).__name__}: {error}",
                remedy="start it again and give the same command: what has finished is kept",
            ) from error

    def _open(self) -> None:
        {"dask": self._enter_dask, "ray": self._enter_ray}[self._backend]()
        self._stack.enter_context(joblib.parallel_config(self._backend, n_jobs=self._jobs))

    def __enter__(self) -> Cluster:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _enter_dask(self) -> None:
        distributed = _library("distributed", "dask")
        where = self._address
        if where is None:
            self._stack.enter_context(_environment(one_thread()))
            where = self._stack.enter_context(
                distributed.LocalCluster(
                    n_workers=self._jobs,
                    threads_per_worker=1,
                    scheduler_kwargs={"dashboard": False},
                    silence_logs=logging.ERROR,
                )
            )
        self._stack.enter_context(distributed.Client(where))

    def _enter_ray(self) -> None:
        ray = _library("ray", "ray")

        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
        if self._address is not None:
            ray.init(address=self._address, **quiet)
        else:
            self._stack.enter_context(_environment(one_thread()))
            ray.init(num_cpus=self._jobs, include_dashboard=False, **quiet)
        self._stack.callback(ray.shutdown)
        _library("ray.util.joblib", "ray").register_ray()


_own = threading.local()


def replay_shard(here: str, told: bytes, items: bytes) -> list[bytes]:
    """On a node: the encoded result of each of the encoded ``items``, as ``told`` in encoded orders.

    ``here`` is the directory that relative paths are relative to. The plugins stay built from one shard to
    the next.
    """
    with contextlib.chdir(here):
        if getattr(_own, "told", None) != (here, told):
            if hasattr(_own, "replayer"):
                _own.replayer.host.close()
            _own.replayer, _own.told = Replayer(msgspec.json.decode(told, type=ReplayJob)), (here, told)
        replayer: Replayer = _own.replayer
        return [
            msgspec.json.encode(replayer.replay(item))
            for item in msgspec.json.decode(items, type=list[ManifestEntry])
        ]


def shard_by_size(items: Shard, most_bytes: int, most_items: int, jobs: int) -> Iterator[Shard]:
    """The items in their order, in shards of about ``most_bytes``, smaller where that keeps ``jobs`` busy."""
    total = sum(item.size for _, item in items)
    most_bytes = max(1, min(most_bytes, total // (SHARDS_AHEAD * jobs)))
    most_items = max(1, min(most_items, len(items) // (SHARDS_AHEAD * jobs)))
    shard: list[tuple[int, ManifestEntry]] = []
    held = 0
    for number, item in items:
        if shard and (held + item.size > most_bytes or len(shard) >= most_items):
            yield shard
            shard, held = [], 0
        shard.append((number, item))
        held += item.size
    if shard:
        yield shard


def _library(module: str, extra: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"--backend {extra} needs a library that is not installed",
            got=str(error),
            remedy=f"pip install stimmung[{extra}]",
        ) from error


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """The environment of processes started within."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

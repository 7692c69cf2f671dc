"""Corpora → tables: every file as one stream, in one process, in several, or on a cluster.

``states``, ``predictions`` and ``errors`` hold one row an item, in the order of the files, as JSON lines and
as Parquet; ``features.parquet`` holds the features, if they are asked for. None depends on the number of
jobs, on the bus, on the size of the chunks, or on how often the replay was interrupted. ``run.json`` says
what was run and how every account of the ledger closed. A file that fails gives a row of errors; what came
of it before the fault, and all other files, are kept.

What has finished is kept in ``journal.jsonl`` while the replay runs; the same command after a crash goes on
from there. The tables are written from it at the end.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..calls.spec import PluginSpec
from ..config.schema import BusTable, PipelineConfig
from ..streaming.validation import targets
from .feature_cache import model_hashes
from .journal import Journal
from .manifest import ManifestEntry, list_entries
from .process_pool import ProcessPool, Result
from .replayer import Replayer, ReplayJob, ReplayResult

if TYPE_CHECKING:
    from .cluster import Cluster

Progress = Callable[[int, int, str], None]
Backend = Literal["local", "dask", "ray"]
TABLES = ("states", "predictions", "errors")
JOURNAL = "journal.jsonl"
RUN = "run.json"


@dataclass(frozen=True, slots=True)
class ExecutionOptions:
    """What a replay is computed with; none of it changes a table.

    ``jobs`` processes on ``backend``: of this machine, or of the Dask or Ray cluster at ``cluster``, which is
    started here where no address is given. ``cache`` is a folder of features already computed.
    """

    jobs: int = 1
    backend: Backend = "local"
    cluster: str | None = None
    cache: Path | None = None


def replay(
    paths: Sequence[str],
    description: PipelineConfig,
    out: Path,
    *,
    jobs: int = 1,
    chunk_ms: float | None = None,
    features: bool = False,
    execution: ExecutionOptions | None = None,
    progress: Progress = lambda done, total, stream: None,
) -> dict[str, Any]:
    """Replays every file below ``paths`` into ``out``; returns what ``run.json`` holds."""
    began_s = time.monotonic()
    execution = execution or ExecutionOptions(jobs)
    cache = None if execution.cache is None else str(execution.cache.resolve())
    job = ReplayJob(_without_spares(description), chunk_ms, features, cache)
    with ExitStack() as stack:
        # Built before the files are listed, and even when nothing is left to do: it says what does not fit.
        first = stack.enter_context(Replayer(job if _here(execution) else _without_processes(job)))
        facts = dict(first.host.bus.facts)
        items = list(list_entries(paths))
        out.mkdir(parents=True, exist_ok=True)
        (out / RUN).unlink(missing_ok=True)
        journal = stack.enter_context(Journal(out / JOURNAL, _decisive(job, facts), items))
        pending = journal.pending
        done = resumed = len(items) - len(pending)
        for number, finished in _compute(first, job, execution, [(n, items[n]) for n in pending]):
            journal.add(number, finished)
            done += 1
            progress(done, len(items), items[number].stream)
        totals = _write(out, journal, len(items), facts, job)
        run = {
            "pipeline": msgspec.to_builtins(description),
            "targets": targets(description, facts),
            "paths": list(paths),
            "jobs": execution.jobs,
            "backend": execution.backend,
            "resumed": resumed,
            **totals.record(),
            "elapsed_s": round(time.monotonic() - began_s, 3),
            "versions": versions(),
        }
        (out / RUN).write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n")
        journal.remove()
    return run


def _compute(
    first: Replayer, job: ReplayJob, execution: ExecutionOptions, items: Sequence[tuple[int, ManifestEntry]]
) -> Iterator[Result]:
    if _here(execution):
        for number, item in items:
            yield number, msgspec.json.encode(first.replay(item))
    elif items:
        opened: Cluster | ProcessPool
        if execution.backend == "local":
            opened = ProcessPool(job, execution.jobs)
        else:
            from .cluster import Cluster

            opened = Cluster(job, execution.backend, execution.jobs, execution.cluster)
        with opened:
            yield from opened.run(items)


def _here(execution: ExecutionOptions) -> bool:
    """True when this process itself replays."""
    return execution.backend == "local" and execution.jobs == 1


def _without_processes(job: ReplayJob) -> ReplayJob:
    return msgspec.structs.replace(job, description=msgspec.structs.replace(job.description, bus=BusTable()))


def _without_spares(description: PipelineConfig) -> PipelineConfig:
    """The same without processes that stand by: nobody waits for a file."""
    replace = msgspec.structs.replace
    transcript, activity = description.transcript, description.activity
    if transcript is not None:
        transcript = replace(transcript, spare=False)
    if activity is not None:
        activity = replace(activity, detector=replace(activity.detector, spare=False))
    return replace(
        description,
        transcript=transcript,
        activity=activity,
        extractors=[replace(table, spare=False) for table in description.extractors],
        classifiers=[replace(table, spare=False) for table in description.classifiers],
    )


def _write(
    out: Path, journal: Journal, count: int, facts: Mapping[str, PluginSpec], job: ReplayJob
) -> Totals:
    """All tables from the journal, in the order of the files."""
    from .parquet import Tables

    totals = Totals()
    labels = list(dict.fromkeys(label for fact in facts.values() for label in fact.labels))
    dims = {name: fact.dim for name, fact in facts.items() if fact.kind != "classifier"}
    with ExitStack() as stack:
        lines = {name: stack.enter_context((out / f"{name}.jsonl").open("wb")) for name in TABLES}
        rate = job.description.stream.rate
        tables = stack.enter_context(Tables(out, labels, dims if job.features else {}, rate))
        for number in range(count):
            item = journal.read(number)
            for name, file in lines.items():
                file.writelines(msgspec.json.encode(row) + b"\n" for row in getattr(item, name))
            tables.add(item)
            totals.add(item)
    if not job.features:
        (out / "features.parquet").unlink(missing_ok=True)
    return totals


def _decisive(job: ReplayJob, facts: Mapping[str, PluginSpec]) -> dict[str, Any]:
    """All that decides what comes of a file."""
    description = job.description
    tables = [*description.extractors, *description.classifiers]
    return {
        "pipeline": msgspec.structs.replace(description, bus=BusTable()),
        "features": job.features,
        "plugins": facts,
        "models": {table.name: model_hashes(table.options) for table in tables},
        "versions": versions(),
    }


class Totals:
    """What a whole replay amounts to."""

    def __init__(self) -> None:
        self.files = 0
        self.failed = 0
        self.audio_s = 0.0
        self.rows: Counter[str] = Counter()
        self.restarts = 0
        self.ledger: dict[str, dict[str, Any]] = {}

    def add(self, item: ReplayResult) -> None:
        """Adds one file's counts."""
        self.files += 1
        self.failed += bool(item.errors)
        self.audio_s += item.audio_s
        self.restarts += item.restarts
        for name in TABLES:
            self.rows[name] += len(getattr(item, name))
        for name, edge in item.ledger.items():
            total = self.ledger.setdefault(name, {"unit": edge["unit"], "dropped": Counter()})
            for count in ("received", "processed", "in_flight"):
                total[count] = total.get(count, 0) + edge[count]
            total["dropped"].update(edge["dropped"])

    def record(self) -> dict[str, Any]:
        """The totals as plain numbers; ``reconciles`` when every account closed at zero in flight."""
        ledger = {name: {**edge, "dropped": dict(edge["dropped"])} for name, edge in self.ledger.items()}
        return {
            "files": self.files,
            "failed": self.failed,
            "audio_s": round(self.audio_s, 3),
            **{name: self.rows[name] for name in TABLES},
            "restarts": self.restarts,
            "reconciles": all(_balanced(edge) for edge in ledger.values()),
            "ledger": ledger,
        }


def _balanced(edge: dict[str, Any]) -> bool:
    settled = edge["processed"] + sum(edge["dropped"].values())
    return bool(edge["received"] == settled and edge["in_flight"] == 0)


def versions() -> dict[str, str]:
    """The versions that made a run."""
    names = ("stimmung", "numpy", "scipy", "scikit-learn", "pyzmq", "soxr")
    return {name: metadata.version(name) for name in names}

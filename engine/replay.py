"""Corpora → tables: every file as one stream, in one process or several, with the same result.

``states.jsonl``, ``predictions.jsonl`` and ``errors.jsonl`` hold one line an item, in the order of the files;
they do not depend on the number of jobs, on the bus or on the size of the chunks. ``run.json`` says
what was run and how every account of the ledger closed. A file that fails gives a line in
``errors.jsonl``; what came of it before the fault, and all other files, are kept.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from .config import BusTable, Description
from .host import Host
from .playback import Finished, feeds, replay_feed
from .shards import Shards

Progress = Callable[[int, str], None]
TABLES = ("states", "predictions", "errors")


def replay(
    paths: Sequence[str],
    description: Description,
    out: Path,
    *,
    jobs: int = 1,
    chunk_ms: float | None = None,
    progress: Progress = lambda done, stream: None,
) -> dict[str, Any]:
    """Replays every file below ``paths`` into ``out``; returns what ``run.json`` holds."""
    began_s = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    totals = Totals()
    with ExitStack() as stack:
        tables = {name: stack.enter_context((out / f"{name}.jsonl").open("wb")) for name in TABLES}
        finished: Iterator[Finished]
        if jobs == 1:
            host = stack.enter_context(Host(description))
            finished = (replay_feed(host, feed) for feed in feeds(paths, chunk_ms))
        else:
            _check_once(description)
            finished = stack.enter_context(Shards(paths, description, chunk_ms, jobs)).run()
        for done, item in enumerate(finished, start=1):
            for name, table in tables.items():
                table.writelines(msgspec.json.encode(row) + b"\n" for row in getattr(item, name))
            totals.add(item)
            progress(done, item.stream)
        if jobs == 1:
            totals.restarts = host.restarts
    run = {
        "pipeline": msgspec.to_builtins(description),
        "paths": list(paths),
        "jobs": jobs,
        **totals.record(),
        "elapsed_s": round(time.monotonic() - began_s, 3),
        "versions": versions(),
    }
    (out / "run.json").write_bytes(msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n")
    return run


def _check_once(description: Description) -> None:
    """Raises here, once, what would otherwise end every shard."""
    with Host(msgspec.structs.replace(description, bus=BusTable())):
        pass


class Totals:
    """What a whole replay amounts to."""

    def __init__(self) -> None:
        self.files = 0
        self.failed = 0
        self.audio_s = 0.0
        self.rows: Counter[str] = Counter()
        self.restarts = 0
        self.ledger: dict[str, dict[str, Any]] = {}

    def add(self, item: Finished) -> None:
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

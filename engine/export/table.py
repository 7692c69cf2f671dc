"""Tables: every row with its own stretch, as CSV and as a database in audformat."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..batch.parquet import nanoseconds
from ..errors import ConfigError
from .intervals import Row, Run, confidence

COLUMNS = ("file", "start_s", "stop_s", "target", "status", "reason", "label", "confidence", "distance")


def write_csv(run: Run, out: Path) -> int:
    """One file, a row for each state or prediction, with the probability of each label."""
    labels = dict.fromkeys(label for _, row in _rows(run) for label in row["probabilities"])
    with (out / "export.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *(f"p_{label}" for label in labels)])
        writer.writeheader()
        for target, row in _rows(run):
            writer.writerow(
                {
                    "file": row["stream"],
                    "start_s": row["start_s"],
                    "stop_s": row["stop_s"],
                    "target": target,
                    "status": row.get("status", "ok"),
                    "reason": row.get("reason"),
                    "label": row["label"] or "",
                    "confidence": confidence(row),
                    "distance": row.get("distance"),
                    **{f"p_{label}": p for label, p in row["probabilities"].items()},
                }
            )
    return 1


@dataclass(slots=True)
class _Columns:
    """What audformat wants of one target."""

    file: list[str] = field(default_factory=list)
    start: list[str] = field(default_factory=list)
    end: list[str] = field(default_factory=list)
    label: list[str | None] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.file.append(row["stream"])
        self.start.append(f"{nanoseconds(row['start'], row['rate'])}ns")
        self.end.append(f"{nanoseconds(row['stop'], row['rate'])}ns")
        self.label.append(row["label"])
        self.confidence.append(confidence(row))


def write_audformat(run: Run, out: Path) -> int:
    """A database with one segmented table a target: its label and its confidence."""
    audformat = _library()
    targets: dict[str, _Columns] = {}
    for target, row in _rows(run):
        targets.setdefault(target, _Columns()).add(row)
    database = audformat.Database(
        "stimmung", usage="unrestricted", description="States or predictions of a replay by stimmung."
    )
    database.schemes["probability"] = audformat.Scheme("float", minimum=0, maximum=1)
    for target, columns in targets.items():
        known = sorted({label for label in columns.label if label is not None})
        scheme = f"{target}.label"
        database.schemes[scheme] = audformat.Scheme(labels=known)
        index = audformat.segmented_index(columns.file, columns.start, columns.end)
        table = database[target] = audformat.Table(index)
        table["label"] = audformat.Column(scheme_id=scheme)
        table["label"].set(columns.label)
        table["confidence"] = audformat.Column(scheme_id="probability")
        table["confidence"].set(columns.confidence)
    database.save(str(out), storage_format="parquet")
    return 1 + len(targets)


def _rows(run: Run) -> Iterator[tuple[str, Row]]:
    for recording in run:
        for target, rows in recording.targets.items():
            for row in rows:
                yield target, row


def _library() -> Any:
    try:
        return importlib.import_module("audformat")
    except ImportError as error:
        raise ConfigError(
            "export to audformat needs a library that is not installed",
            got=str(error),
            remedy="pip install stimmung[audformat]",
        ) from error

"""Tables: every row with its own stretch, as CSV and as a database in audformat."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from .intervals import Recording

COLUMNS = ("file", "start_s", "stop_s", "target", "status", "label", "confidence")


def write_csv(recordings: list[Recording], out: Path) -> list[Path]:
    """One file, a row for each state or prediction, with the probability of each label."""
    labels = _labels(recordings)
    path = out / "export.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *(f"p_{label}" for label in labels)])
        writer.writeheader()
        writer.writerows(_rows(recordings))
    return [path]


def write_audformat(recordings: list[Recording], out: Path) -> list[Path]:
    """A database with one segmented table a target: its label and its confidence."""
    audformat = _library()
    database = audformat.Database(
        "stimmung", usage="unrestricted", description="States or predictions of a replay by stimmung."
    )
    database.schemes["confidence"] = audformat.Scheme("float", minimum=0, maximum=1)
    for target in dict.fromkeys(target for recording in recordings for target in recording.targets):
        own = [(recording, row) for recording in recordings for row in recording.targets.get(target, [])]
        known = sorted({row["label"] for _, row in own if row["label"] is not None})
        database.schemes[target] = audformat.Scheme(labels=known)
        index = audformat.segmented_index(
            [recording.stream for recording, _ in own],
            [f"{row['start'] * 10**9 // row['rate']}ns" for _, row in own],
            [f"{row['stop'] * 10**9 // row['rate']}ns" for _, row in own],
        )
        table = database[target] = audformat.Table(index)
        table["label"] = audformat.Column(scheme_id=target)
        table["label"].set([row["label"] for _, row in own])
        table["confidence"] = audformat.Column(scheme_id="confidence")
        table["confidence"].set([_confidence(row) for _, row in own])
    database.save(str(out), storage_format="csv")
    return sorted(path for path in out.iterdir() if path.name.startswith("db."))


def _rows(recordings: list[Recording]) -> Iterator[dict[str, Any]]:
    for recording in recordings:
        for target, rows in recording.targets.items():
            for row in rows:
                yield {
                    "file": recording.stream,
                    "start_s": row["start_s"],
                    "stop_s": row["stop_s"],
                    "target": target,
                    "status": row.get("status", "ok"),
                    "label": row["label"] or "",
                    "confidence": _confidence(row),
                    **{f"p_{label}": p for label, p in row["probabilities"].items()},
                }


def _labels(recordings: list[Recording]) -> list[str]:
    found: dict[str, None] = {}
    for recording in recordings:
        for rows in recording.targets.values():
            for row in rows:
                found.update(dict.fromkeys(row["probabilities"]))
    return list(found)


def _confidence(row: dict[str, Any]) -> float:
    return float(row["confidence"] if "confidence" in row else max(row["probabilities"].values()))


def _library() -> Any:
    try:
        return importlib.import_module("audformat")
    except ImportError as error:
        raise ConfigError(
            "export to audformat needs a library that is not installed",
            got=str(error),
            remedy="pip install stimmung[audformat]",
        ) from error

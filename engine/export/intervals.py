"""A run's states or predictions by recording and target, and as intervals that do not overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..errors import InputError

Kind = Literal["states", "predictions"]
SILENT = "no_speech"


@dataclass(frozen=True, slots=True)
class Interval:
    """``label`` holds in ``[start, stop)``, samples at the recording's rate; ``confidence`` is the mean."""

    start: int
    stop: int
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Recording:
    """All rows of one stream, by target, in their order."""

    stream: str
    rate: int
    targets: dict[str, list[dict[str, Any]]]

    @property
    def stop(self) -> int:
        """The end of the last row, in samples."""
        return max(row["stop"] for rows in self.targets.values() for row in rows)

    def tier(self, target: str) -> list[Interval]:
        """The target's labels as intervals in order, none overlapping another."""
        found: list[Interval] = []
        position = 0
        for row in self.targets[target]:
            start = max(position, row["start"])
            if row["stop"] <= start:
                continue
            label, confidence = _label(row), _confidence(row)
            if found and found[-1].label == label and found[-1].stop == start:
                before = found.pop()
                weight = (before.stop - before.start) / (row["stop"] - before.start)
                confidence = weight * before.confidence + (1 - weight) * confidence
                start = before.start
            found.append(Interval(start, row["stop"], label, confidence))
            position = row["stop"]
        return found


def read_run(folder: Path, kind: Kind) -> list[Recording]:
    """Every recording of a run that has rows; raises InputError where the folder holds no finished run."""
    path = folder / f"{kind}.jsonl"
    if not (folder / "run.json").is_file() or not path.is_file():
        raise InputError(
            f"'{folder}' holds no finished run",
            expected=f"run.json and {path.name}",
            remedy="write one, or finish it, with stimmung replay … --out",
        )
    recordings: dict[str, Recording] = {}
    for row in _rows(path):
        recording = recordings.setdefault(row["stream"], Recording(row["stream"], row["rate"], {}))
        recording.targets.setdefault(row["target"], []).append(row)
    return list(recordings.values())


def file_names(recordings: list[Recording], suffix: str) -> list[str]:
    """A name for each recording: that of its file, with a number where another has it already."""
    taken: dict[str, int] = {}
    names = []
    for recording in recordings:
        stem = Path(recording.stream).stem or "stream"
        taken[stem] = taken.get(stem, 0) + 1
        number = f"_{taken[stem]}" if taken[stem] > 1 else ""
        names.append(f"{stem}{number}{suffix}")
    return names


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for line in file:
            yield msgspec.json.decode(line)


def _label(row: dict[str, Any]) -> str:
    return SILENT if row.get("status") == SILENT or row["label"] is None else str(row["label"])


def _confidence(row: dict[str, Any]) -> float:
    if "confidence" in row:
        return float(row["confidence"])
    return float(max(row["probabilities"].values()))

"""A run's states or predictions by recording and target, and as intervals that do not overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..errors import InputError

Kind = Literal["states", "predictions"]
Row = dict[str, Any]
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
    targets: dict[str, list[Row]]

    @property
    def stop(self) -> int:
        """The end of the last row, in samples."""
        return max(int(row["stop"]) for rows in self.targets.values() for row in rows)

    def tier(self, target: str) -> list[Interval]:
        """The target's labels as intervals in order, none overlapping another."""
        found: list[Interval] = []
        position = 0
        for row in self.targets[target]:
            start = max(position, row["start"])
            if row["stop"] <= start:
                continue
            mean = confidence(row)
            label = SILENT if row["label"] is None or row.get("status") == SILENT else str(row["label"])
            if found and found[-1].label == label and found[-1].stop == start:
                before = found.pop()
                weight = (before.stop - before.start) / (row["stop"] - before.start)
                mean = weight * before.confidence + (1 - weight) * mean
                start = before.start
            found.append(Interval(start, row["stop"], label, mean))
            position = row["stop"]
        return found


class Run:
    """The states or the predictions of a finished run, recording by recording, as often as asked for.

    Only one recording is in memory at a time. Raises InputError where the folder holds no finished run.
    """

    def __init__(self, folder: Path, kind: Kind) -> None:
        self._path = folder / f"{kind}.jsonl"
        if not (folder / "run.json").is_file() or not self._path.is_file():
            raise InputError(
                f"'{folder}' holds no finished run",
                expected=f"run.json and {self._path.name}",
                remedy="write one, or finish it, with stimmung replay … --out",
            )

    def __iter__(self) -> Iterator[Recording]:
        for stream, rows in groupby(self._rows(), key=lambda row: str(row["stream"])):
            recording: Recording | None = None
            for row in rows:
                recording = recording or Recording(stream, row["rate"], {})
                recording.targets.setdefault(row["target"], []).append(row)
            if recording is not None:
                yield recording

    def _rows(self) -> Iterator[Row]:
        with self._path.open("rb") as file:
            for line in file:
                yield msgspec.json.decode(line)


class Names:
    """Names of files: each that of its recording, with a number where another has it already."""

    def __init__(self, suffix: str) -> None:
        self._suffix = suffix
        self._taken: set[str] = set()

    @property
    def count(self) -> int:
        """How many names were given."""
        return len(self._taken)

    def of(self, recording: Recording) -> str:
        """The name for the next recording."""
        stem = Path(recording.stream).stem or "stream"
        name, number = stem, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem}_{number}"
        self._taken.add(name.casefold())
        return f"{name}{self._suffix}"


def confidence(row: Row) -> float:
    """That of a state; of a prediction the highest probability."""
    return float(row["confidence"] if "confidence" in row else max(row["probabilities"].values()))

"""Whether one system is better than another, tested on the very same recordings."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from stimmung.engine.errors import InputError, ProtocolError

from ..statistics import metrics
from ..statistics.bootstrap import Numbers, Statistic, by_cluster, interval, paired_p
from .cross_validation import PREDICTIONS, REPORT


@dataclass(frozen=True, slots=True)
class Tested:
    """What one evaluation predicted; ``key`` tells its recordings, speakers, folds and truth."""

    name: str
    report: dict[str, Any]
    key: list[tuple[str, str, str, str]]
    predicted: list[str]


def read_tested(folder: Path) -> Tested:
    """The evaluation that wrote ``folder``; raises InputError."""
    try:
        report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        with (folder / PREDICTIONS).open(encoding="utf-8", newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: (row["speaker"], row["file"]))
    except (OSError, ValueError) as error:
        raise InputError(
            f"'{folder}' holds no evaluation",
            got=str(error),
            remedy="write one with stimmung evaluate … --out",
        ) from error
    key = [(row["speaker"], row["file"], row["fold"], row["true"]) for row in rows]
    return Tested(report["config"]["name"], report, key, [row["predicted"] for row in rows])


def compare(first: Path, second: Path) -> dict[str, Any]:
    """How much better the second system is than the first, with the interval and a paired test.

    ``p`` is that of a two-sided permutation test that exchanges the systems' predictions speaker by speaker.
    Raises ProtocolError unless both were tested on the same recordings in the same folds.
    """
    one, other = read_tested(first), read_tested(second)
    if one.key != other.key:
        strange = sorted(set(one.key) ^ set(other.key))
        raise ProtocolError(
            f"'{first}' and '{second}' cannot be compared",
            got=f"{len(strange)} recordings that differ in speaker, fold or truth, such as {strange[0]}",
            expected="the same corpus under the same protocol",
            remedy="evaluate both alike",
        )
    speakers = [entry[0] for entry in one.key]
    if len(set(speakers)) < 2:
        raise ProtocolError("one speaker allows of no test", got=f"'{speakers[0]}'")
    figure = "ccc" if "ccc" in one.report else "uar"
    statistic: Statistic = metrics.ccc_of if figure == "ccc" else metrics.uar_of
    sums = [by_cluster(speakers, _values(tested, figure)) for tested in (one, other)]
    width = len(sums[0])

    def difference(both: Numbers) -> Any:
        return statistic(both[..., 1, :, :] if figure == "uar" else both[..., 1, :]) - statistic(
            both[..., 0, :, :] if figure == "uar" else both[..., 0, :]
        )

    both: Numbers = np.stack([np.asarray(each, np.float64) for each in sums], axis=1)
    values = [float(statistic(each.sum(axis=0)[np.newaxis])[0]) for each in sums]
    return {
        "first": one.name,
        "second": other.name,
        "figure": figure,
        "values": values,
        "difference": values[1] - values[0],
        "difference_ci95": list(interval(both, difference)),
        "p": paired_p(sums[0], sums[1], statistic),
        "speakers": width,
        "n": len(one.key),
    }


def _values(tested: Tested, figure: str) -> Numbers:
    truth = [entry[3] for entry in tested.key]
    if figure == "ccc":
        return metrics.moments(np.array(truth, np.float64), np.array(tested.predicted, np.float64))
    labels = {label: k for k, label in enumerate(tested.report["labels"])}
    true, predicted = (np.array([labels[label] for label in each]) for each in (truth, tested.predicted))
    return metrics.one_hot(true, predicted, len(labels))

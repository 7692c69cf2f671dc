"""Predictions beside the truth, and every figure with the interval that whole speakers give it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from stimmung.engine.types import Floats

from . import metrics
from .bootstrap import Doubles, Numbers, Statistic, by_cluster, interval

Chosen = npt.NDArray[np.bool_]
Figures = dict[str, Any]


class Judged:
    """(n,) true labels as numbers and (n, labels) probabilities, spoken by ``speakers``."""

    def __init__(
        self,
        labels: Sequence[str],
        true: metrics.Ints,
        probabilities: Floats,
        speakers: Sequence[str],
        seed: int,
    ) -> None:
        self.labels, self.true, self.probabilities = list(labels), true, probabilities
        self.predicted = probabilities.argmax(axis=1)
        self.speakers, self._seed = np.asarray(speakers), seed

    def short(self, chosen: Chosen) -> Figures:
        """Number of rows, UAR and WA."""
        matrix = self.confusion(chosen)
        return {
            "n": int(matrix.sum()),
            "uar": float(metrics.uar_of(matrix)),
            "wa": float(metrics.wa_of(matrix)),
        }

    def figures(self, chosen: Chosen) -> Figures:
        """The same with calibration, each with its interval; None where one speaker allows of none."""
        if not chosen.any():
            return {"n": 0}
        matrices = self._sums(chosen, metrics.one_hot(self.true, self.predicted, len(self.labels)))
        confidence = self._sums(chosen, metrics.calibration(self.true, self.probabilities))
        return {
            **self.short(chosen),
            "ece": float(metrics.ece_of(confidence.sum(axis=0))),
            "uar_ci95": self._interval(matrices, metrics.uar_of),
            "wa_ci95": self._interval(matrices, metrics.wa_of),
            "ece_ci95": self._interval(confidence, metrics.ece_of),
        }

    def recalls(self, chosen: Chosen) -> dict[str, Figures]:
        """The recall of each label with its interval."""
        matrices = self._sums(chosen, metrics.one_hot(self.true, self.predicted, len(self.labels)))
        counts = matrices.sum(axis=(0, 2))
        recalls = metrics.recalls_of(matrices.sum(axis=0))
        return {
            label: {
                "n": int(counts[k]),
                "recall": float(recalls[k]),
                "recall_ci95": self._interval(matrices, partial(_recall_of, k)),
            }
            for k, label in enumerate(self.labels)
            if counts[k]
        }

    def calibration(self, chosen: Chosen) -> list[Figures]:
        """For each bin of confidence that is not empty: its rows, mean confidence and share right."""
        sums = metrics.calibration(self.true, self.probabilities)[chosen].sum(axis=0)
        return [
            {"n": int(n), "confidence": float(confidence / n), "right": float(right / n)}
            for n, right, confidence in sums.T
            if n
        ]

    def by_speaker(self, chosen: Chosen) -> dict[str, Figures]:
        """The short figures of each speaker."""
        return {
            str(name): self.short(chosen & (self.speakers == name))
            for name in np.unique(self.speakers[chosen])
        }

    def confusion(self, chosen: Chosen) -> metrics.Ints:
        """True rows, predicted columns."""
        return metrics.confusion(self.true[chosen], self.predicted[chosen], len(self.labels))

    def _sums(self, chosen: Chosen, each: Numbers) -> Numbers:
        return by_cluster(list(self.speakers[chosen]), each[chosen])

    def _interval(self, sums: Numbers, statistic: Statistic) -> list[float] | None:
        return list(interval(sums, statistic, seed=self._seed)) if len(sums) > 1 else None


def _recall_of(label: int, matrices: Numbers) -> Doubles:
    return np.asarray(metrics.recalls_of(matrices)[..., label])


class JudgedNumbers:
    """(n,) true and predicted numbers, spoken by ``speakers``."""

    def __init__(self, true: Doubles, predicted: Doubles, speakers: Sequence[str], seed: int) -> None:
        self.true, self.predicted, self.speakers, self._seed = true, predicted, np.asarray(speakers), seed

    def short(self, chosen: Chosen) -> Figures:
        """Number of rows, CCC and root mean square error."""
        sums = metrics.moments(self.true[chosen], self.predicted[chosen]).sum(axis=0)
        return {
            "n": int(sums[0]),
            "ccc": float(metrics.ccc_of(sums)),
            "rmse": float(metrics.rmse_of(sums)),
        }

    def figures(self, chosen: Chosen) -> Figures:
        """The same, each with its interval."""
        if not chosen.any():
            return {"n": 0}
        each = metrics.moments(self.true[chosen], self.predicted[chosen])
        sums = by_cluster(list(self.speakers[chosen]), each)
        several = len(sums) > 1
        return {
            **self.short(chosen),
            "ccc_ci95": list(interval(sums, metrics.ccc_of, seed=self._seed)) if several else None,
            "rmse_ci95": list(interval(sums, metrics.rmse_of, seed=self._seed)) if several else None,
        }

    def by_speaker(self, chosen: Chosen) -> dict[str, Figures]:
        """The short figures of each speaker."""
        return {
            str(name): self.short(chosen & (self.speakers == name))
            for name in np.unique(self.speakers[chosen])
        }

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


class ScoredPredictions:
    """(n,) true labels as numbers and (n, labels) probabilities, spoken by ``speakers``.

    Or (orders, n, labels), where all was heard in several orders: figures are averaged over them, and counts
    of a confusion or a calibration are those of all orders.
    """

    def __init__(
        self,
        labels: Sequence[str],
        true: metrics.Ints,
        probabilities: Floats,
        speakers: Sequence[str],
        seed: int,
    ) -> None:
        self.orders = 1 if probabilities.ndim == 2 else len(probabilities)
        self.labels, self.true = list(labels), np.tile(true, self.orders)
        self.probabilities = probabilities.reshape(len(self.true), -1)
        self.predicted = self.probabilities.argmax(axis=1)
        self.speakers, self._seed = np.tile(np.asarray(speakers), self.orders), seed

    def short(self, chosen: Chosen) -> Figures:
        """Number of rows, UAR and WA."""
        matrix = self.confusion(chosen)
        return {
            "n": int(np.count_nonzero(chosen)),
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
        counts = matrices.sum(axis=(0, 2)) // self.orders
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
        sums = metrics.calibration(self.true, self.probabilities)[self._all(chosen)].sum(axis=0)
        return [
            {"n": int(n), "confidence": float(confidence / n), "right": float(right / n)}
            for n, right, confidence in sums.T
            if n
        ]

    def by_speaker(self, chosen: Chosen) -> dict[str, Figures]:
        """The short figures of each speaker."""
        return {
            str(name): self.short(chosen & (self.speakers[: len(chosen)] == name))
            for name in np.unique(self.speakers[: len(chosen)][chosen])
        }

    def confusion(self, chosen: Chosen) -> metrics.Ints:
        """True rows, predicted columns."""
        rows = self._all(chosen)
        return metrics.confusion(self.true[rows], self.predicted[rows], len(self.labels))

    def _all(self, chosen: Chosen) -> Chosen:
        """The chosen rows in every order; a choice among the rows of all orders stays as it is."""
        return chosen if len(chosen) == len(self.true) else np.tile(chosen, self.orders)

    def _sums(self, chosen: Chosen, each: Numbers) -> Numbers:
        rows = self._all(chosen)
        return by_cluster(list(self.speakers[rows]), each[rows])

    def _interval(self, sums: Numbers, statistic: Statistic) -> list[float] | None:
        return list(interval(sums, statistic, seed=self._seed)) if len(sums) > 1 else None


def _recall_of(label: int, matrices: Numbers) -> Doubles:
    return np.asarray(metrics.recalls_of(matrices)[..., label])


class ScoredNumbers:
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

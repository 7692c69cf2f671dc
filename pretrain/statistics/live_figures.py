"""How good the answers about recordings are when some have none, and most speech is neutral.

A recording is answered by a label, or not at all; an answer is unsure if its largest probability is below the
pipeline's threshold, or if the pipeline takes the speech for unlike its training data. Figures:

    uar              mean recall of the most probable label, unsure or not; no answer is never right
    false_alarms     share of neutral recordings answered with another label and not unsure
    emotions_right   mean recall of the other labels; unsure is not right
    coverage         share of recordings answered and not unsure
    accuracy         share of right ones among those
    unanswered       share of recordings without an answer
    ece              expected calibration error of the answers, unsure or not

Each has a 95 % interval under a bootstrap of whole speakers (:mod:`.bootstrap`), computed for all at once
from sums over speakers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stimmung.engine.types import Bools

from . import metrics
from .bootstrap import Doubles, Numbers, by_cluster, resampled

FIGURES = ("uar", "false_alarms", "emotions_right", "coverage", "accuracy", "unanswered", "ece")
UNSURE, NO_ANSWER = "unsure", "no answer"
POINTS = 200  # of a curve, at most
ALARMS = (0.05, 0.1, 0.2)  # at which the emotions right are told
Figures = dict[str, Any]


class LiveFigures:
    """The figures of (n,) recordings in one condition.

    ``true`` are labels as numbers, ``probabilities`` (n, labels), NaN for a recording without an answer;
    ``neutral`` is the label that is no emotion, None if there is none among ``labels``. Below
    ``unsure_below`` an answer is unsure, and so are those ``beyond``, (n,), where that is given.
    """

    def __init__(
        self,
        labels: Sequence[str],
        neutral: str | None,
        true: metrics.Ints,
        probabilities: Doubles,
        speakers: Sequence[str],
        *,
        unsure_below: float,
        beyond: Bools | None = None,
        seed: int = 0,
    ) -> None:
        self.labels, self.true, self.probabilities = list(labels), true, probabilities
        self._neutral = None if neutral is None else self.labels.index(neutral)
        self._speakers, self._seed = list(speakers), seed
        self.answered: Bools = np.logical_not(np.isnan(probabilities).any(axis=1))
        certain = np.where(self.answered[:, np.newaxis], probabilities, -1.0)
        self.best = certain.argmax(axis=1)
        self.sure: Bools = self.answered & (certain.max(axis=1) >= unsure_below)
        if beyond is not None:
            self.sure &= ~beyond

    @property
    def answers(self) -> list[str]:
        """What was answered to each recording: a label, ``unsure`` or ``no answer``."""
        return [self._columns[k] for k in self._decided]

    def values(self) -> Doubles:
        """(figures,) in the order of :data:`FIGURES`, NaN where a figure has nothing to be computed from."""
        values: Doubles = self._of(self._sums().sum(axis=0, keepdims=True))[0]
        return values

    def resamples(self) -> Doubles | None:
        """(resamples, figures) of speakers drawn again and again; None if there is only one speaker."""
        sums = self._sums()
        return self._of(resampled(sums, seed=self._seed)) if len(sums) > 1 else None

    def figures(self) -> Figures:
        """All figures with their intervals, the recalls, the confusion of the answers and the curve."""
        return {
            "n": len(self.true),
            "speakers": len(set(self._speakers)),
            **with_intervals(self.values(), self.resamples()),
            "recalls": self.recalls(),
            "confusion": self.confusion().tolist(),
            **self.curve(),
        }

    def recalls(self) -> dict[str, Figures]:
        """Of each label: recordings, recall of the most probable label, and with unsure as not right."""
        found = {}
        for k, label in enumerate(self.labels):
            own = self.true == k
            if own.any():
                right = own & self.answered & (self.best == k)
                found[label] = {
                    "n": int(own.sum()),
                    "recall": float(right.sum() / own.sum()),
                    "recall_sure": float((right & self.sure).sum() / own.sum()),
                }
        return found

    def confusion(self) -> metrics.Ints:
        """(labels, labels + 2) counts: true rows; as columns the labels, unsure and no answer."""
        counts = np.zeros((len(self.labels), len(self._columns)), np.int64)
        np.add.at(counts, (self.true, self._decided), 1)
        return counts

    def curve(self) -> Figures:
        """False alarms against emotions right, over thresholds of log(p of the best emotion / p of neutral).

        An emotion is answered where that is above the threshold, however unsure. ``at_false_alarms`` holds
        the most emotions right with at most so many false alarms. Empty where nothing is neutral, or all is.
        """
        if self._neutral is None or not 0 < (self.true == self._neutral).sum() < len(self.true):
            return {}
        score, best = self._emotion_scores()
        neutral = self.true == self._neutral
        thresholds = np.unique(np.r_[np.inf, np.unique(score[np.isfinite(score)]), -np.inf])[::-1]
        alarms = _above(score[neutral], thresholds)
        present = [k for k in np.unique(self.true) if k != self._neutral]
        right = np.mean(
            [_above(np.where(best == k, score, -np.inf)[self.true == k], thresholds) for k in present],
            axis=0,
        )
        chosen = np.unique(np.linspace(0, len(thresholds) - 1, min(POINTS, len(thresholds))).round()).astype(
            int
        )
        return {
            "curve": [
                {
                    "threshold": float(thresholds[k]) if np.isfinite(thresholds[k]) else None,
                    "false_alarms": float(alarms[k]),
                    "emotions_right": float(right[k]),
                }
                for k in chosen
            ],
            "at_false_alarms": {f"{most:g}": float(right[alarms <= most].max()) for most in ALARMS},
        }

    def _emotion_scores(self) -> tuple[Doubles, metrics.Ints]:
        emotions = [k for k in range(len(self.labels)) if k != self._neutral]
        certain = np.where(self.answered[:, np.newaxis], self.probabilities, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.log(certain[:, emotions].max(axis=1)) - np.log(certain[:, self._neutral])
        score = np.where(self.answered, score, -np.inf)
        return score, np.array(emotions)[certain[:, emotions].argmax(axis=1)]

    @property
    def _columns(self) -> list[str]:
        return [*self.labels, UNSURE, NO_ANSWER]

    @property
    def _decided(self) -> metrics.Ints:
        count = len(self.labels)
        decided = np.where(self.sure, self.best, np.where(self.answered, count, count + 1))
        return np.asarray(decided, np.int64)

    def _sums(self) -> Doubles:
        """(speakers, values): all that figures are computed from, of each speaker."""
        count, rows = len(self.labels), np.arange(len(self.true))
        table = np.zeros((len(rows), count, 2 * count + 1))
        column = np.where(self.sure, self.best, np.where(self.answered, count + self.best, 2 * count))
        table[rows, self.true, column] = 1
        bins = np.zeros((len(rows), 3, metrics.BINS))
        bins[self.answered] = metrics.calibration(
            self.true[self.answered], self.probabilities[self.answered].astype(np.float32)
        )
        both = np.concatenate([table.reshape(len(rows), -1), bins.reshape(len(rows), -1)], axis=1)
        return np.asarray(by_cluster(self._speakers, both), np.float64)

    def _of(self, sums: Numbers) -> Doubles:
        """(…, figures) of (…, values)."""
        count = len(self.labels)
        table = sums[..., : count * (2 * count + 1)].reshape(-1, count, 2 * count + 1)
        bins = sums[..., count * (2 * count + 1) :].reshape(-1, 3, metrics.BINS)
        total, each = table.sum(axis=(1, 2)), table.sum(axis=2)
        sure, unsure = table[..., :count], table[..., count : 2 * count]
        right_sure, right = _diagonal(sure), _diagonal(sure + unsure)
        others = [k for k in range(count) if k != self._neutral]
        alarms = np.full(len(table), np.nan)
        if self._neutral is not None:
            alarms = _share(sure[:, self._neutral, others].sum(axis=1), each[:, self._neutral])
        certain, answered = sure.sum(axis=(1, 2)), bins[:, 0].sum(axis=1)
        gaps = np.abs(bins[:, 1] - bins[:, 2]).sum(axis=1)
        found = (
            _mean(_share(right, each)),
            alarms,
            _mean(_share(right_sure, each)[:, others]),
            _share(certain, total),
            _share(right_sure.sum(axis=1), certain),
            _share(table[..., -1].sum(axis=1), total),
            _share(gaps, answered),
        )
        return np.stack(found, axis=-1)


def with_intervals(values: Doubles, resamples: Doubles | None) -> Figures:
    """Each figure and its ``_ci95``: None for what has no value, or no second speaker to give an interval."""
    found: Figures = {}
    for k, name in enumerate(FIGURES):
        known = not np.isnan(values[k])
        found[name] = float(values[k]) if known else None
        found[f"{name}_ci95"] = None
        if known and resamples is not None:
            found[f"{name}_ci95"] = np.nanpercentile(resamples[:, k], [2.5, 97.5]).tolist()
    return found


def _above(scores: Doubles, thresholds: Doubles) -> Doubles:
    """The share of scores above each threshold."""
    return np.asarray(
        1 - np.searchsorted(np.sort(scores), thresholds, side="right") / len(scores), np.float64
    )


def _diagonal(tables: Numbers) -> Doubles:
    return np.asarray(np.diagonal(tables, axis1=-2, axis2=-1), np.float64)


def _share(part: Numbers, whole: Numbers) -> Doubles:
    shares: Doubles = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return shares


def _mean(recalls: Doubles) -> Doubles:
    """Over the labels that occur, NaN if none does."""
    known = ~np.isnan(recalls)
    return _share(np.where(known, recalls, 0).sum(axis=-1), known.sum(axis=-1).astype(np.float64))

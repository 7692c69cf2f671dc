"""Figures of the runs that are there: by system, length of window, after the vote, and by confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from stimmung.engine.streaming.vote import Vote
from stimmung.engine.types import Floats, Prediction, Span

from ...statistics import metrics
from ...statistics.bootstrap import by_cluster, interval, paired_p
from ...statistics.scored_predictions import Chosen, ScoredPredictions
from .runs import BenchDataset, Result, Store
from .systems import SYSTEMS, Bench, Run, System

RATE = 16000
VOTE_S = 10.0  # as in the shipped pipeline
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(20))
Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A system on a corpus with the seeds that are there: one set of probabilities a seed and order."""

    system: System
    bench: Bench
    seeds: tuple[int, ...]
    judged: ScoredPredictions
    item: npt.NDArray[np.int64]
    window_s: npt.NDArray[np.float64]
    probabilities: Floats
    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    unseen: frozenset[str] = frozenset()

    @classmethod
    def of(cls, runs: Sequence[tuple[Run, list[Result]]], material: BenchDataset) -> Outcome:
        """From the results of all folds of each seed."""
        run, first = runs[0][0], runs[0][1]
        item = np.concatenate([result.item for result in first])
        window_s = np.concatenate([result.window_s for result in first])
        by_seed = [np.concatenate([r.probabilities for r in results], axis=1) for _, results in runs]
        probabilities = np.concatenate(by_seed)
        items = material.corpus.items
        true = np.array([run.bench.labels.index(items[k].label) for k in item])
        speakers = [items[k].speaker for k in item]
        judged = ScoredPredictions(run.bench.labels, true, probabilities, speakers, 0)
        return cls(
            run.system,
            run.bench,
            tuple(run.seed for run, _ in runs),
            judged,
            item,
            window_s,
            probabilities,
            tuple(sum(result.wall_s for result in results) for _, results in runs),
            tuple(sum(result.cpu_s for result in results) for _, results in runs),
            frozenset(who for fold in material.folds if fold.name == run.bench.unseen for who in fold.test),
        )

    @property
    def whole(self) -> Chosen:
        """Which rows are of whole recordings."""
        return np.equal(self.window_s, 0)

    @property
    def orders(self) -> int:
        """How often each seed heard every recording."""
        return self.judged.orders // len(self.seeds)

    def figures(self) -> Found:
        """UA, WA and ECE of whole recordings over all seeds, and UA and ECE of each seed."""
        of_seed = [self._seed(k).figures(self.whole) for k in range(len(self.seeds))]
        return {
            **self.judged.figures(self.whole),
            "uar_by_seed": [own["uar"] for own in of_seed],
            # A mean of the seeds' own: over all together, errors of one could make up for another's.
            "ece": float(np.mean([own["ece"] for own in of_seed])),
            "ece_by_seed": [own["ece"] for own in of_seed],
        }

    def of_unseen(self) -> Found:
        """UA of the whole recordings of the bench's unseen speakers."""
        speakers = self.judged.speakers[: len(self.item)]
        return self._uar(self.whole & np.isin(speakers, sorted(self.unseen)))

    def _seed(self, place: int) -> ScoredPredictions:
        own = self.probabilities[place * self.orders : (place + 1) * self.orders]
        n = len(self.item)
        return ScoredPredictions(
            self.bench.labels, self.judged.true[:n], own, list(self.judged.speakers[:n]), 0
        )

    def sums(self) -> metrics.Ints:
        """The confusion of whole recordings by speaker: (speakers, labels, labels)."""
        rows = np.tile(self.whole, self.judged.orders)
        each = metrics.one_hot(self.judged.true[rows], self.judged.predicted[rows], len(self.bench.labels))
        return np.asarray(by_cluster(list(self.judged.speakers[rows]), each), np.int64)

    def at(self, window_s: float) -> Chosen:
        """The rows heard with windows of that length: a recording that is shorter is heard whole."""
        own = np.equal(self.window_s, window_s)
        return own | (self.whole & ~np.isin(self.item, self.item[own]))

    def curve(self) -> list[Found]:
        """For each length of window: UAR of windows, and of the recordings' last states after the vote."""
        found = []
        for window_s in (*self.bench.windows_s, 0.0):
            chosen = self.at(window_s)
            own: Found = {"window_s": window_s, "n": int(chosen.sum()), "windows": self._uar(chosen)}
            own["cut"] = len(set(self.item[np.equal(self.window_s, window_s)])) / len(set(self.item))
            if window_s:
                own["voted"] = self._voted(chosen, window_s)
            found.append(own)
        return found

    def _uar(self, chosen: Chosen) -> Found:
        figures = self.judged.figures(chosen)
        return {"uar": figures["uar"], "ci95": figures["uar_ci95"]}

    def _voted(self, chosen: Chosen, window_s: float) -> Found:
        """UAR of what is believed when a recording ends, by the engine's own vote."""
        true, predicted, speakers = [], [], []
        rows_of: dict[int, list[int]] = {}
        for row in np.flatnonzero(chosen).tolist():
            rows_of.setdefault(int(self.item[row]), []).append(row)
        for probabilities in self.probabilities:
            for rows in rows_of.values():
                predicted.append(_vote(self.bench.labels, probabilities[rows], window_s))
                true.append(self.judged.true[rows[0]])
                speakers.append(str(self.judged.speakers[rows[0]]))
        truth, found, labels = np.array(true), np.array(predicted), len(self.bench.labels)
        low, high = metrics.uar_ci95(truth, found, labels, speakers)
        return {"uar": metrics.uar(truth, found, labels), "ci95": [low, high]}

    def coverage(self) -> list[Found]:
        """For each threshold of confidence: the share of recordings above, and how often they are right."""
        rows = np.tile(self.whole, self.judged.orders)
        confidence = self.judged.probabilities[rows].max(axis=1)
        right = self.judged.predicted[rows] == self.judged.true[rows]
        speakers = self.judged.speakers[rows]
        found = []
        for threshold in THRESHOLDS:
            sure = confidence >= threshold
            if not sure.any():
                break
            each = np.stack([sure, sure & right], axis=1).astype(np.float64)
            low, high = interval(
                by_cluster(list(speakers), each), lambda sums: sums[..., 1] / np.maximum(1, sums[..., 0])
            )
            found.append(
                {
                    "threshold": threshold,
                    "coverage": float(sure.mean()),
                    "accuracy": float(right[sure].mean()),
                    "ci95": [low, high],
                }
            )
        return found


@dataclass(frozen=True, slots=True)
class Findings:
    """What is there, and what is not: (run, folds there, folds in all)."""

    outcomes: list[Outcome]
    missing: list[tuple[Run, int, int]]

    def of(self, system: System, bench: Bench) -> Outcome | None:
        """A system on a corpus, if any of its seeds is complete."""
        return next((own for own in self.outcomes if (own.system, own.bench) == (system, bench)), None)


def gather(plan: Sequence[Run], materials: dict[str, BenchDataset], store: Store) -> Findings:
    """The figures of every run of the plan whose folds are all there."""
    outcomes, missing = [], []
    for material in materials.values():
        for system in SYSTEMS:
            complete = []
            for run in plan:
                if (run.system, run.bench) != (system, material.bench):
                    continue
                results = [store.read(run, material, fold) for fold in material.folds]
                there = [result for result in results if result is not None]
                if len(there) == len(results):
                    complete.append((run, there))
                else:
                    missing.append((run, len(there), len(results)))
            if complete:
                outcomes.append(Outcome.of(complete, material))
    return Findings(outcomes, missing)


def differ(one: Outcome, other: Outcome) -> tuple[float, float]:
    """(by how much the second's UAR is higher, how likely equals differ as much), over the same speakers."""
    sums = [own.sums() / own.judged.orders for own in (one, other)]
    figures = [float(metrics.uar_of(each.sum(axis=0))) for each in sums]
    return figures[1] - figures[0], paired_p(sums[0], sums[1], metrics.uar_of)


def _vote(labels: Sequence[str], probabilities: Floats, window_s: float) -> int:
    """The label that is believed after the last of a recording's windows, which are cut every half length."""
    vote = Vote("", "", labels, span=round(VOTE_S * RATE))
    window = round(window_s * RATE)
    label = labels[0]
    for place, row in enumerate(probabilities.tolist()):
        start = place * window // 2
        span = Span(start, start + window, RATE)
        state = vote.add(span, Prediction("", place, span, "", dict(zip(labels, row, strict=True))))
        label = state.label or label
    return list(labels).index(label)

"""A linear machine over a sweep of costs: selected on a development partition, voted on narratives.

Embedded Emotions, section 4 and table 1: the cost with the best unweighted average recall of single samples
on the development partition is taken, and a narrative is what the majority of its samples is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ...statistics import metrics
from ...statistics.metrics import Doubles, Ints

COSTS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
Bools = npt.NDArray[np.bool_]
Progress = Callable[[int, int, str], None]
# Builds an untrained machine for a cost: anything with fit and decision_function.
Machine = Callable[[float], Any]


@dataclass(frozen=True, slots=True)
class Samples:
    """What is classified: one row of ``features`` each, a matrix that can be indexed by row.

    ``truth`` are positions in ``labels``. ``narratives`` (n,) says which samples are voted over together,
    ``clusters`` (n,) which are no independent evidence: one speaker's, or one document's.
    """

    labels: tuple[str, ...]
    features: Any
    truth: Ints
    narratives: npt.NDArray[np.str_]
    clusters: npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Split:
    """Which samples are trained on, selected by and tested on."""

    train: Bools
    dev: Bools
    test: Bools


@dataclass(frozen=True, slots=True)
class Figures:
    """UAR of single samples and of narratives after the vote, each with its 95 % interval over clusters."""

    n: int
    before: float
    before_ci95: tuple[float, float]
    narratives: int
    after: float
    after_ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class GridSearch:
    """``dev``: the figures of every cost on the development partition; ``test``: of the selected costs."""

    labels: tuple[str, ...]
    dev: dict[float, Figures]
    chosen: list[float]
    test: Figures
    confusion: Ints = field(repr=False)


def machine(cost: float) -> Any:
    """Standardised features, a linear machine with balanced classes."""
    # The dual problem takes ten times as long for high costs, and often does not converge at all.
    svc = LinearSVC(C=cost, class_weight="balanced", tol=1e-2, random_state=0, dual=False)
    return make_pipeline(StandardScaler(), svc)


def sweep(
    samples: Samples,
    splits: Sequence[Split],
    build: Machine = machine,
    *,
    costs: Sequence[float] = COSTS,
    refit: bool = True,
    progress: Progress | None = None,
) -> GridSearch:
    """Every cost on every split; the test partitions are looked at once, with the cost the split selected.

    With ``refit`` the selected machine is trained on train and dev together before the test.
    """
    size = len(samples.labels)
    dev = {cost: _Scores(samples) for cost in costs}
    test = _Scores(samples)
    chosen: list[float] = []
    for done, split in enumerate(splits, start=1):
        recalls = {}
        for cost in costs:
            scores = _scores(build(cost), samples, split.train, split.dev)
            dev[cost].add(split.dev, scores)
            recalls[cost] = metrics.uar(samples.truth[split.dev], scores.argmax(axis=1), size)
        chosen.append(max(costs, key=lambda cost: (recalls[cost], -cost)))
        trained = split.train | split.dev if refit else split.train
        test.add(split.test, _scores(build(chosen[-1]), samples, trained, split.test))
        if progress is not None:
            progress(done, len(splits), "sweep")
    return GridSearch(
        labels=samples.labels,
        dev={cost: scores.figures() for cost, scores in dev.items()},
        chosen=chosen,
        test=test.figures(),
        confusion=test.confusion(),
    )


def vote(
    scores: Doubles, narratives: npt.NDArray[np.str_], truth: Ints, clusters: npt.NDArray[np.str_]
) -> tuple[Ints, Ints, list[str]]:
    """(truth, majority, cluster) of every narrative; equal votes go to the label of the higher mean score.

    The truth of a narrative whose samples differ is their majority too.
    """
    _, first, which = np.unique(narratives, return_index=True, return_inverse=True)
    votes, present = (np.zeros((len(first), scores.shape[1]), np.int64) for _ in range(2))
    np.add.at(votes, (which, scores.argmax(axis=1)), 1)
    np.add.at(present, (which, truth), 1)
    total = np.zeros(votes.shape)
    np.add.at(total, which, scores)
    leads = votes == votes.max(axis=1, keepdims=True)
    return present.argmax(axis=1), np.where(leads, total, -np.inf).argmax(axis=1), list(clusters[first])


class _Scores:
    """The decision values of samples, as the splits yield them; a sample may be judged by several splits."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._rows: list[Ints] = []
        self._scores: list[Doubles] = []
        self._round: list[npt.NDArray[np.str_]] = []

    def add(self, chosen: Bools, scores: Doubles) -> None:
        self._rows.append(np.flatnonzero(chosen))
        self._scores.append(scores)
        self._round.append(np.array([f"{len(self._round)} "] * len(scores)))

    def figures(self) -> Figures:
        rows, scores = np.concatenate(self._rows), np.concatenate(self._scores)
        truth, clusters = self._samples.truth[rows], self._samples.clusters[rows]
        narratives = np.char.add(np.concatenate(self._round), self._samples.narratives[rows])
        size = len(self._samples.labels)
        predicted = scores.argmax(axis=1)
        true, voted, voters = vote(scores, narratives, truth, clusters)
        return Figures(
            n=len(rows),
            before=metrics.uar(truth, predicted, size),
            before_ci95=metrics.uar_ci95(truth, predicted, size, list(clusters)),
            narratives=len(true),
            after=metrics.uar(true, voted, size),
            after_ci95=metrics.uar_ci95(true, voted, size, voters),
        )

    def confusion(self) -> Ints:
        """Of the narratives, after the vote."""
        rows, scores = np.concatenate(self._rows), np.concatenate(self._scores)
        narratives = np.char.add(np.concatenate(self._round), self._samples.narratives[rows])
        true, voted, _ = vote(scores, narratives, self._samples.truth[rows], self._samples.clusters[rows])
        return metrics.confusion(true, voted, len(self._samples.labels))


def _scores(machine: Any, samples: Samples, train: Bools, asked: Bools) -> Doubles:
    """(n, labels) decision values for the samples asked about."""
    machine.fit(samples.features[np.flatnonzero(train)], samples.truth[train])
    scores = machine.decision_function(samples.features[np.flatnonzero(asked)])
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)
    full = np.full((len(scores), len(samples.labels)), -np.inf)
    full[:, np.unique(samples.truth[train])] = scores
    return full

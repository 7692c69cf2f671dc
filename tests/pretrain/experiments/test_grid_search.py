"""The sweep selects on the development partition alone, and a narrative is what most of its samples are."""

from __future__ import annotations

from typing import Any

import numpy as np
from stimmung.pretrain.experiments.embedded_emotions.grid_search import Samples, Split, sweep, vote
from stimmung.pretrain.experiments.embedded_emotions.narratives import leave_one_out

LABELS = ("low", "medium", "high")


def samples(features: list[float], truth: list[int], narratives: list[str], clusters: list[str]) -> Samples:
    matrix = np.array(features, np.float32)[:, np.newaxis]
    return Samples(LABELS, matrix, np.array(truth), np.array(narratives), np.array(clusters))


def split(train: str, dev: str, test: str, names: list[str]) -> Split:
    return Split(*(np.array([name in part for name in names]) for part in (train, dev, test)))


class Rounded:
    """Right about every sample for a cost of 1, half a class too low for less; remembers what it saw."""

    seen: list[tuple[float, int]]

    def __init__(self, cost: float) -> None:
        self.cost = cost

    def fit(self, features: Any, truth: Any) -> Rounded:
        Rounded.seen.append((self.cost, len(truth)))
        return self

    def decision_function(self, features: Any) -> Any:
        return -np.abs(features - (0 if self.cost == 1 else 0.75) - np.arange(3))


def data() -> Samples:
    """Every partition has a narrative of each class, two samples each."""
    truth = [0, 0, 1, 1, 2, 2] * 3
    names = [part + str(label) for part in "abc" for label in truth[:6]]
    return samples([float(label) for label in truth], truth, names, [name[0] for name in names])


def test_the_cost_is_selected_on_the_development_partition_and_both_are_trained_on_for_the_test() -> None:
    Rounded.seen = []
    every = data()
    swept = sweep(every, [split("a", "b", "c", list(every.clusters))], Rounded, costs=(0.1, 1.0))
    assert swept.chosen == [1.0]
    assert swept.dev[1.0].before == swept.dev[1.0].after == swept.test.before == 1.0
    assert swept.dev[0.1].before < 0.7
    assert swept.confusion.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert (swept.test.n, swept.test.narratives) == (6, 3)
    assert Rounded.seen == [(0.1, 6), (1.0, 6), (1.0, 12)]


def test_without_refit_the_development_partition_is_never_trained_on() -> None:
    Rounded.seen = []
    every = data()
    sweep(every, [split("a", "b", "c", list(every.clusters))], Rounded, costs=(1.0,), refit=False)
    assert {size for _, size in Rounded.seen} == {6}


def test_of_equal_costs_the_smallest_is_taken() -> None:
    Rounded.seen = []
    every = data()
    swept = sweep(every, [split("a", "b", "c", list(every.clusters))], Rounded, costs=(0.1, 0.01))
    assert swept.chosen == [0.01]


def test_a_linear_machine_learns_what_can_be_learned() -> None:
    random = np.random.default_rng(0)
    truth = np.arange(180) % 2
    features = (truth * 2.0 - 1 + random.normal(0, 0.5, 180)).tolist()
    clusters = [f"s{number % 6}" for number in range(180)]
    every = samples(features, truth.tolist(), [str(number // 2) for number in range(180)], clusters)
    swept = sweep(every, leave_one_out(every), costs=(0.01, 1.0))
    assert len(swept.chosen) == 6
    assert swept.test.before > 0.9
    low, high = swept.test.before_ci95
    assert low <= swept.test.before <= high


def test_leaving_one_out_never_mixes_speakers() -> None:
    every = samples([0.0] * 10, [0] * 10, ["n"] * 10, [f"s{number % 5}" for number in range(10)])
    splits = leave_one_out(every, dev=2)
    assert len(splits) == 5
    for part in splits:
        speakers = [set(every.clusters[chosen].tolist()) for chosen in (part.train, part.dev, part.test)]
        assert [len(who) for who in speakers] == [2, 2, 1]
        assert not speakers[0] & speakers[1] | speakers[1] & speakers[2] | speakers[0] & speakers[2]


def test_the_majority_decides_and_a_draw_goes_to_the_higher_score() -> None:
    scores = np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 9.0, 0], [1.0, 0, 0], [0, 2.0, 0]])
    true, voted, clusters = vote(
        scores, np.array(["a", "a", "a", "b", "b"]), np.array([0, 0, 1, 1, 1]), np.array(list("xxxyy"))
    )
    assert true.tolist() == [0, 1]
    assert voted.tolist() == [0, 1]
    assert clusters == ["x", "y"]

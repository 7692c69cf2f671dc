"""Checks of classifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..types import Floats, read_only
from .budget import keeps_up, stopwatch
from .subject import Check, Subject, no_pickle

ROWS, HOP_S = 4, 1.0
WITH_EVIDENCE = "features beside the log posteriors of an offset"


def features(subject: Subject) -> Mapping[str, list[Floats]]:
    """Matrices (4, dim) for every input, by what is in them."""
    random = np.random.default_rng(0)
    made = {}
    for name, scale in (("zeros", 0.0), ("ordinary features", 1.0), ("outlandish features", 1e6)):
        made[name] = [
            read_only(scale * random.normal(size=(ROWS, needed.dim))) for needed in subject.facts.inputs
        ]
    if subject.facts.takes_missing:
        ordinary = made["ordinary features"]
        for lost, needed in enumerate(subject.facts.inputs):
            made[f"rows that lack '{needed.name}'"] = [
                read_only(np.full_like(one, np.nan)) if at == lost else one for at, one in enumerate(ordinary)
            ]
    if subject.facts.offset is not None:
        evidence = np.log(random.dirichlet(np.ones(len(subject.facts.labels)), ROWS))
        made[WITH_EVIDENCE] = [*made["ordinary features"], read_only(evidence)]
    return made


def batches(subject: Subject) -> list[list[Floats]]:
    """Ordinary features, and the same beside an inferred offset's, where the classifier takes that."""
    made = features(subject)
    return [made[given] for given in ("ordinary features", WITH_EVIDENCE) if given in made]


def predicted(subject: Subject, inputs: list[Floats], given: str, plugin: Any = None) -> Floats:
    """The checked shape of a prediction."""
    shape = (len(inputs[0]), len(subject.facts.labels))
    return subject.shaped(subject.call("predict", inputs, plugin), shape, "predict", given)


def probabilities(subject: Subject) -> None:
    """Rows of float32 between 0 and 1 that sum to 1, for any finite features, or what it takes as missing."""
    for given, inputs in features(subject).items():
        rows = predicted(subject, inputs, given)
        if (rows < 0).any() or not np.allclose(rows.sum(axis=1), 1, atol=1e-3):
            raise subject.fault(
                f"predict returned no probabilities for {given}",
                got=np.array2string(rows[0], precision=3),
                expected="numbers from 0 to 1 that sum to 1",
                remedy="normalise them, for example by a softmax",
            )


def alone(subject: Subject) -> None:
    """A row's probabilities depend on that row alone, in any batch and at any time."""
    for inputs in batches(subject):
        together = predicted(subject, inputs, "a batch")
        rows = np.concatenate(
            [
                predicted(subject, [read_only(one[at : at + 1]) for one in inputs], "one row")
                for at in range(ROWS)
            ]
        )
        subject.same(together, rows, "a batch gives other numbers than one by one", "treat each row alone")
        again = predicted(subject, inputs, "a batch", subject.build())
        subject.same(together, again, "a second instance gives other numbers", "keep nothing between calls")


def distances(subject: Subject) -> None:
    """Of a classifier that knows them: one for each row, 0 or more, that depends on that row alone."""
    if not subject.facts.distance:
        return
    for given, inputs in features(subject).items():
        together = measured(subject, inputs, given)
        if (together < 0).any():
            raise subject.fault(
                f"training_distance returned no distances for {given}",
                got=np.array2string(together, precision=3),
                expected="0 or more",
                remedy="return 0 for what lies in the middle of the training data",
            )
        rows = [[read_only(one[at : at + 1]) for one in inputs] for at in range(ROWS)]
        alone = np.concatenate([measured(subject, row, "one row") for row in rows])
        subject.same(together, alone, "a batch gives other distances than one by one", "treat each row alone")


def measured(subject: Subject, inputs: list[Floats], given: str) -> Floats:
    """The checked shape of distances."""
    values = subject.call("training_distance", inputs)
    return subject.shaped(values, (len(inputs[0]),), "training_distance", given)


def untouched(subject: Subject) -> None:
    """The features handed in are not written to, also where they could be."""
    for inputs in batches(subject):
        given = [one.copy() for one in inputs]
        subject.call("predict", given)
        if subject.facts.distance:
            subject.call("training_distance", given)
        if not all(np.array_equal(one, before) for one, before in zip(given, inputs, strict=True)):
            raise subject.fault("it writes to its input", remedy="work on a copy, for example np.array(rows)")


def labels(subject: Subject) -> None:
    """No label stands twice: votes are counted by label."""
    declared = subject.facts.labels
    if len(set(declared)) != len(declared) or len(declared) < 2:
        raise subject.fault(
            "its labels cannot be voted on", got=str(declared), remedy="declare two or more, each once"
        )


def pickles(subject: Subject) -> None:
    """Built and used without pickle."""
    with no_pickle(subject):
        predicted(subject, features(subject)["ordinary features"], "ordinary features", subject.build())


def latency(subject: Subject) -> None:
    """One row, as a live stream brings one a hop."""
    row = [read_only(one[:1]) for one in features(subject)["ordinary features"]]

    def predict(spent_s: list[float]) -> None:
        with stopwatch(spent_s):
            subject.call("predict", row)

    keeps_up(subject, predict, HOP_S, "make it faster, for example with fewer support vectors or trees")


CLASSIFIERS = (
    Check("two or more labels, each once", labels),
    Check("probabilities that sum to 1 for any finite features", probabilities),
    Check("a row's probabilities depend on that row alone", alone),
    Check("distances from the training data of 0 or more, each by itself", distances),
    Check("the input is left as it was", untouched),
    Check("it neither reads nor writes pickle", pickles),
    Check("a prediction costs less than a second", latency, timed=True),
)

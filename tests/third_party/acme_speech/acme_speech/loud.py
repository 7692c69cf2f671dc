"""Loud, middling or quiet, by a rule, from acme-loudness; alone or with acme-level."""

import numpy as np
from stimmung.engine.models.statistics import Population
from stimmung.engine.plugin import Input, hookimpl


class Loud:
    name, rate = "acme-loud", 16000
    labels = ("quiet", "middling", "loud")

    def __init__(
        self,
        target: str = "arousal",
        level: bool = False,
        faulty: bool = False,
        dim: int = 3,
        population: bool = True,
    ):
        self.target, self.level = target, level
        others = [Input("acme-level", 1)] * level + [Input("acme-faulty", 2)] * faulty
        self.inputs = (Input("acme-loudness", dim), *others)
        loudness = Population.of([-38.0, -25.0, 60.0], [6.0, 6.0, 9.0], 5.0)
        self.population = (loudness, *[None] * len(others)) if population and dim == 3 else ()

    def predict(self, features):
        mean = features[0][:, :1].astype(np.float64)
        if self.level:
            mean = mean + features[1]
        scores = -np.abs(mean - np.array([[-50.0, -35.0, -20.0]])) / 5
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@hookimpl
def stimmung_classifier():
    return Loud

"""What is said and how loudly: happy, angry or neither, by a rule; words that are missing say nothing."""

import numpy as np
from stimmung.engine.models.statistics import Population
from stimmung.engine.plugin import Input, hookimpl


class Mood:
    name, rate, target = "acme-mood", 16000, "mood"
    inputs = (Input("acme-spelling", 2), Input("acme-loudness", 3))
    labels = ("angry", "neither", "happy")

    def __init__(self, takes_missing: bool = True):
        self.takes_missing = takes_missing
        self.population = (None, Population.of([-38.0, -25.0, 60.0], [6.0, 6.0, 9.0], 5.0))

    def predict(self, features):
        smile, loud = features[0][:, 1:].astype(np.float64), features[1][:, :1] / 20 + 2
        if not self.takes_missing and np.isnan(smile).any():
            raise ValueError("nobody should have asked")
        scores = np.nan_to_num(smile) * np.array([[-1.0, 0.0, 1.0]]) + loud * np.array([[1.0, 0.0, 1.0]])
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@hookimpl
def stimmung_classifier():
    return Mood

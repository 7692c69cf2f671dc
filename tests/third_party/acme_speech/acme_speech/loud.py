"""Loud, middling or quiet, by a rule, from acme-loudness; alone or with acme-level."""

import numpy as np
from stimmung.engine.plugin import Input, hookimpl


class Loud:
    name, rate = "acme-loud", 16000
    labels = ("quiet", "middling", "loud")

    def __init__(self, target: str = "arousal", level: bool = False, dim: int = 3):
        self.target = target
        self.inputs = (Input("acme-loudness", dim), *([Input("acme-level", 1)] if level else []))

    def predict(self, features):
        mean = features[0][:, :1].astype(np.float64)
        if len(features) > 1:
            mean = mean + features[1]
        scores = -np.abs(mean - np.array([[-50.0, -35.0, -20.0]])) / 5
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@hookimpl
def stimmung_classifier():
    return Loud

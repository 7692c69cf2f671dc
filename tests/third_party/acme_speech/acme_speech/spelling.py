"""Sentences by their letters, and happy or not by the smiles among them."""

import numpy as np
from stimmung.engine.plugin import Input, hookimpl


class Spelling:
    name, version, dim = "acme-spelling", "1", 2

    def encode(self, sentences):
        if any("unspeakable" in sentence for sentence in sentences):
            raise ValueError("cannot spell that")
        return np.array([[len(s), s.count("!") - s.count("?")] for s in sentences], np.float32)


class Smile:
    name, rate, target = "acme-spelling", 16000, "valence"
    inputs = (Input("acme-spelling", 2),)
    labels = ("low", "medium", "high")

    def predict(self, features):
        weights = np.exp(-np.abs(features[0][:, 1:] - np.array([[-1.0, 0.0, 1.0]])))
        return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@hookimpl
def stimmung_extractor():
    return Spelling


@hookimpl
def stimmung_classifier():
    return Smile

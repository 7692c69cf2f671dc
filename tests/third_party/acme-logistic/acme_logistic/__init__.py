"""Logistic regression of scikit-learn, fitted to a table of examples when it is built."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import Input, hookimpl
from stimmung.engine.types import Floats


class Logistic:
    """Labels by example: ``examples`` is a CSV, the label first and then the features of ``reads``."""

    api = 1
    name, rate = "acme-logistic", 16000
    example: ClassVar = {"examples": str(Path(__file__).parent / "voices.csv"), "reads": "acme-praat"}

    def __init__(self, examples: str, reads: str, target: str = "voice") -> None:
        try:
            with open(examples, encoding="utf-8", newline="") as file:
                rows = list(csv.reader(file))
            table = np.array([[float(value) for value in row[1:]] for row in rows])
        except (OSError, ValueError) as error:
            raise ConfigError(f"cannot learn from '{examples}'", got=str(error)) from None
        self._machine = make_pipeline(StandardScaler(), LogisticRegression())
        self._machine.fit(table, [row[0] for row in rows])
        self.target, self.labels = target, tuple(map(str, self._machine.classes_))
        self.inputs = (Input(reads, table.shape[1]),)

    def predict(self, features: Sequence[Floats]) -> Floats:
        """(n, dim) → (n, labels)."""
        return self._machine.predict_proba(features[0]).astype(np.float32)


@hookimpl
def stimmung_classifier() -> type[Logistic]:
    return Logistic

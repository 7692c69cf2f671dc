"""A number for each recording: ridge regression of standardised features, bounded to the target's range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from stimmung.engine.types import Floats

from ..statistics.bootstrap import Doubles


@dataclass(frozen=True, slots=True)
class Regressor:
    """Its options are those of a continuous recipe; ``seed`` does not matter, as the solution is closed."""

    alpha: float
    clip_sd: float
    range: tuple[float, float]

    def fit(self, features: Sequence[Floats], values: Doubles) -> Regression:
        """Trains on (n, dim) matrices and (n,) values."""
        from sklearn.linear_model import Ridge
        from sklearn.preprocessing import StandardScaler

        rows = np.concatenate(features, axis=1).astype(np.float64)
        scaler = StandardScaler().fit(rows)
        standard = np.clip(scaler.transform(rows), -self.clip_sd, self.clip_sd)
        return Regression(self, scaler, Ridge(alpha=self.alpha).fit(standard, values))


@dataclass(frozen=True, slots=True)
class Regression:
    """A trained regressor."""

    of: Regressor
    scaler: Any
    ridge: Any

    def predict(self, features: Sequence[Floats]) -> Doubles:
        """(n, dim) matrices → (n,) values within the range."""
        rows = self.scaler.transform(np.concatenate(features, axis=1).astype(np.float64))
        values = self.ridge.predict(np.clip(rows, -self.of.clip_sd, self.of.clip_sd))
        return np.clip(np.asarray(values, np.float64), *self.of.range)

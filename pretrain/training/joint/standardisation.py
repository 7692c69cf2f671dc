"""Features made fit for a network: standardised, clipped, and projected on the directions that vary most.

A first layer's weights never leave the span of the features it is trained on, so nothing that training could
reach is lost while there are as many directions as recordings; with fewer, what varies least is left out.
Training a layer over 300 directions instead of 6373 features takes a twentieth of the time. Projection
and layer together are one linear map of the features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from stimmung.engine.types import Floats

MOST = 800  # rows that directions are found from


@dataclass(frozen=True, slots=True)
class Standard:
    """``projection`` (rank, dim) of features less ``mean`` over ``scale``, clipped at ``clip_sd``."""

    mean: Floats
    scale: Floats
    clip_sd: float
    projection: Floats

    @classmethod
    def of(cls, features: Floats, clip_sd: float, rank: int) -> Standard:
        """From (n, dim) features of training speakers; their projections have a mean square of 1."""
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale[scale < 1e-10] = 1
        rows = np.linspace(0, len(features) - 1, min(len(features), MOST)).astype(int)
        given = np.clip((features[rows] - mean) / scale, -clip_sd, clip_sd)
        # The smaller of the two products of the matrix with itself has the same directions.
        squares, found = linalg.eigh((given @ given.T).astype(np.float64))
        count = min(rank, int((squares > 1e-6 * squares[-1]).sum()))
        squares, found = squares[-count:], found[:, -count:]
        directions = (found / np.sqrt(squares)).T @ given
        spread = np.sqrt(squares.mean() / len(rows))
        return cls(mean, scale, clip_sd, (directions / spread).astype(np.float32))

    def __call__(self, features: Floats) -> Floats:
        """(n, dim) → (n, rank)."""
        clipped = np.clip((features - self.mean) / self.scale, -self.clip_sd, self.clip_sd)
        projected: Floats = clipped @ self.projection.T
        return projected

"""Rows as a linear machine sees them: standardised, clipped, and a column of ones for the intercept.

Moments are summed once for each group of rows and put together for every choice of groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
from stimmung.engine.types import Floats

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
BLOCK = 1 << 16  # numbers in a block of rows, to stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Moments:
    """How many rows, their mean and their squares' sum around it, each (dim,)."""

    count: int
    mean: Doubles
    squares: Doubles

    @classmethod
    def of(cls, rows: Floats) -> Moments:
        """The moments of (n, dim) rows, summed in double precision."""
        mean = rows.mean(axis=0, dtype=np.float64)
        squares = np.zeros(rows.shape[1])
        for part in _blocks(*rows.shape):
            squares += ((rows[part] - mean) ** 2).sum(axis=0)
        return cls(len(rows), mean, squares)

    def __add__(self, other: Moments) -> Moments:
        """Of both groups together (Chan, Golub & LeVeque 1983)."""
        count = self.count + other.count
        apart = other.mean - self.mean
        squares = self.squares + other.squares + apart**2 * (self.count * other.count / count)
        return Moments(count, self.mean + apart * (other.count / count), squares)

    @property
    def deviation(self) -> Doubles:
        """The standard deviation; 1 for a feature that varies by rounding alone, as scikit-learn has it."""
        variance = self.squares / self.count
        rounding = self.count * np.finfo(np.float64).eps
        constant = variance <= rounding * variance + (rounding * self.mean) ** 2
        return np.where(constant, 1.0, np.sqrt(variance))


class Standard:
    """(n, dim) rows in ``groups``, which share none, to be standardised by the moments of some groups."""

    def __init__(self, rows: Floats, groups: Sequence[Ints], clip_sd: float) -> None:
        self._parts = [Moments.of(rows[own]) for own in groups]
        self._clip_sd = clip_sd
        self._origin = reduce(Moments.__add__, self._parts).mean
        self._centred = np.empty(rows.shape, np.float32)  # so that single precision suffices from here on
        for part in _blocks(*rows.shape):
            self._centred[part] = rows[part] - self._origin

    def moments(self, left_out: int | None = None) -> Moments:
        """Of all groups, or all but one."""
        return reduce(Moments.__add__, (one for k, one in enumerate(self._parts) if k != left_out))

    def rows(self, chosen: Ints, moments: Moments) -> Floats:
        """The chosen rows, (chosen, dim + 1)."""
        deviation = moments.deviation
        factor = np.minimum(1 / deviation, np.finfo(np.float32).max).astype(np.float32)
        shift = ((self._origin - moments.mean) / deviation).astype(np.float32)
        found = np.empty((len(chosen), len(factor) + 1), np.float32)
        found[:, -1] = 1
        for part in _blocks(*found.shape):
            own = found[part, :-1]
            np.multiply(self._centred[chosen[part]], factor, out=own)
            own += shift
            np.clip(own, -self._clip_sd, self._clip_sd, out=own)
        return found


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    size = max(1, BLOCK // columns)
    for start in range(0, rows, size):
        yield slice(start, start + size)

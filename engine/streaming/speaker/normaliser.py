"""Features of whoever speaks, mapped to those of the people a classifier was trained on, as a stream goes on.

Loudness, pitch and timbre differ more between people than between emotions. So each feature of a stream is
standardised by that stream's own mean and deviation so far, and given the mean and deviation that it has
within a speaker of the training population::

    population.mean + population.deviation * (x - mean) / deviation

At first ``mean`` and ``deviation`` are the population's, and features stay as they are; the population
counts for ``prior_s`` seconds of speech and every segment for as many as no earlier one held, so that
both move to the speaker's (the posterior of a normal distribution with its conjugate prior: Murphy 2007,
"Conjugate Bayesian analysis of the Gaussian distribution", section 3). Only what was heard by the end of a
segment counts. All of this is state of the host: a classifier sees features, wherever it runs.

Standardising by speaker: Schuller et al. 2010, "Cross-corpus acoustic emotion recognition: variances and
strategies", section III-B, which does so when everything has been heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ...models.statistics import Population
from ...types import Floats, Segment, read_only

BOUND_SD = 20.0  # one glitch must not decide over a feature for the rest of a stream
LEAST = 0.25  # share of the population's deviation: whoever stays calm for an hour is not blown up to anger

Doubles = npt.NDArray[np.float64]


class Normaliser:
    """One input of one classifier over one stream; segments come in their order."""

    def __init__(self, population: Population) -> None:
        self._mean = np.frombuffer(population.mean, "<f4").astype(np.float64)
        deviation = np.frombuffer(population.deviation, "<f4").astype(np.float64)
        # What never varied in training has no deviation to go by: its own unit is as good as any.
        self._deviation = np.where(deviation > 0, deviation, 1.0)
        self._prior_s = population.prior_s
        self._heard_s = 0.0
        self._sum = np.zeros(len(self._mean))
        self._squares = np.zeros(len(self._mean))

    def add(self, values: Floats, speech_s: float, settled: bool = True) -> Floats:
        """The features of the next segment, (dim,), mapped by all that was heard, the segment included.

        ``speech_s`` is what the segment counts for; one that is not ``settled`` counts for itself alone. A
        missing input, NaN, stays so and counts for nothing.
        """
        if np.isnan(values).any():
            return values
        if not settled:
            return self.copy().add(values, speech_s)
        standard = (values - self._mean) / self._deviation
        bounded = np.clip(standard, -BOUND_SD, BOUND_SD)
        self._heard_s += speech_s
        self._sum += speech_s * bounded
        self._squares += speech_s * bounded**2
        total_s = self._prior_s + self._heard_s
        mean = self._sum / total_s
        # Around the posterior mean, of what was heard and of the population, whose own scatter is 1.
        variance = (self._prior_s + self._squares) / total_s - mean**2
        mapped = (standard - mean) / np.maximum(np.sqrt(np.maximum(variance, 0)), LEAST)
        return read_only(self._mean + self._deviation * mapped)

    def copy(self) -> Normaliser:
        """One that has heard the same and goes its own way from here."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._sum, other._squares = self._sum.copy(), self._squares.copy()
        return other


class Mapping(Protocol):
    """What a host makes of the inputs of one classifier over one stream, knowing those before."""

    def add(self, segment: Segment, speech_s: float, inputs: Sequence[Floats] | None) -> list[Floats] | None:
        """What the classifier is to see of the next segment; None, as its inputs, where they were lost.

        ``speech_s``: the seconds of speech that the segment is the first to hold.
        """
        ...


class Standardised:
    """Each input of one classifier that has a population is normalised to it."""

    def __init__(self, populations: Sequence[Population | None]) -> None:
        self._normalisers = [None if one is None else Normaliser(one) for one in populations]

    def add(self, segment: Segment, speech_s: float, inputs: Sequence[Floats] | None) -> list[Floats] | None:
        """The inputs, mapped by all that was heard; what was lost counts for nothing."""
        if inputs is None:
            return None
        return [
            values if normaliser is None else normaliser.add(values, speech_s, segment.settled)
            for normaliser, values in zip(self._normalisers, inputs, strict=True)
        ]


class InputReorderBuffer:
    """The inputs of one classifier over one stream: they come in any order and leave in that of the segments.

    That order is what makes them the same however many workers there are, and whichever of them die.
    """

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._expected: deque[tuple[Segment, float]] = deque()
        self._early: dict[int, Sequence[Floats] | None] = {}

    def expect(self, segment: Segment, speech_s: float) -> None:
        """The next segment, and the seconds of speech it counts for."""
        self._expected.append((segment, speech_s))

    def add(self, index: int, inputs: Sequence[Floats] | None) -> Iterator[tuple[Segment, list[Floats]]]:
        """Each segment whose inputs are known now, and those of all before it; None where they were lost."""
        if self._expected and index >= self._expected[0][0].index:
            self._early[index] = inputs
        while self._expected and self._expected[0][0].index in self._early:
            segment, speech_s = self._expected.popleft()
            found = self._mapping.add(segment, speech_s, self._early.pop(segment.index))
            if found is not None:
                yield segment, found

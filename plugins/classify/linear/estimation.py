"""Closed forms behind the linear classifier: ridge, offsets of voices, directions.

Rows are (n, dim) in float64, labels positions 0 to K - 1, voices and persons any integers. A *voice* is a
person as heard in one way: the same person at another speed is another voice, with an offset of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LEAST_SD = 1e-6
PULL = 2.0  # rows: an offset known from as many is half believed

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def class_balanced(weights: Doubles, labels: Ints) -> Doubles:
    """The weights with the same sum for every label that occurs, and a mean of 1."""
    balanced = weights.copy()
    present = np.unique(labels)
    for label in present:
        rows = labels == label
        balanced[rows] *= len(weights) / len(present) / weights[rows].sum()
    return balanced


@dataclass(frozen=True, slots=True)
class Standard:
    """Mean and deviation of features over weighted rows."""

    mean: Doubles
    scale: Doubles

    @classmethod
    def of(cls, rows: Doubles, weights: Doubles) -> Standard:
        """From (n, dim) rows and their weights."""
        share = weights / weights.sum()
        mean = share @ rows
        return cls(mean, np.sqrt(share @ (rows - mean) ** 2) + LEAST_SD)

    def apply(self, rows: Doubles) -> Doubles:
        """(n, dim) → the same with mean 0 and deviation 1."""
        return (rows - self.mean) / self.scale


def ridge(
    standard: Doubles, labels: Ints, count: int, weights: Doubles, penalty: float
) -> tuple[Doubles, Doubles]:
    """(weights (count, dim), bias (count,)) of the indicators of the labels over standardised rows."""
    share = weights / weights.sum()
    indicators = np.eye(count)[labels]
    bias = share @ indicators
    weighted = standard * share[:, np.newaxis]
    gram = weighted.T @ standard + penalty * np.eye(standard.shape[1])
    return np.linalg.solve(gram, weighted.T @ (indicators - bias)).T, bias


@dataclass(frozen=True, slots=True)
class Voices:
    """Rows as centre of their label + offset of their voice + rest, estimated by alternating least squares.

    ``centres`` (K, dim); ``rest`` (n, dim).
    """

    centres: Doubles
    rest: Doubles


def voice_offsets(rows: Doubles, labels: Ints, voices: Ints, weights: Doubles, rounds: int = 8) -> Voices:
    """The estimate; a voice's offset is the mean over its labels, however many rows each has.

    A centre of a label that does not occur is 0.
    """
    _, voice = np.unique(voices, return_inverse=True)
    count = int(labels.max()) + 1
    keys, group = np.unique(voice * count + labels, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(keys)))
    means = np.add.reduceat(rows[order], starts) / np.bincount(group)[:, np.newaxis]
    mass = np.asarray(np.bincount(group, weights), np.float64)
    owner, label = keys // count, keys % count
    firsts = np.searchsorted(owner, np.arange(owner[-1] + 1))
    size = np.bincount(voice)
    belief = (size / (size + PULL) / np.bincount(owner))[:, np.newaxis]
    centres = _centres(means, label, mass, count)
    offsets = np.zeros((len(size), rows.shape[1]))
    for _ in range(rounds):
        offsets = np.add.reduceat(means - centres[label], firsts) * belief
        centres = _centres(means - offsets[owner], label, mass, count)
    return Voices(centres, rows - offsets[voice] - centres[labels])


def _centres(means: Doubles, label: npt.NDArray[np.integer[Any]], mass: Doubles, count: int) -> Doubles:
    centres = np.zeros((count, means.shape[1]))
    for one in np.unique(label):
        rows = label == one
        centres[one] = mass[rows] @ means[rows] / mass[rows].sum()
    return centres


def directions(standard: Doubles, labels: Ints, voices: Ints, weights: Doubles, penalty: float) -> Doubles:
    """The (d, dim) directions in which labels differ most beside what is left within voices.

    Linear discriminant analysis of rows without their voices' offsets; d is at most the labels less one. In
    their units the rest has a variance near 1.
    """
    found = voice_offsets(standard, labels, voices, weights)
    share = weights / weights.sum()
    within = (found.rest * share[:, np.newaxis]).T @ found.rest + penalty * np.eye(standard.shape[1])
    present = np.unique(labels)
    between = found.centres[present] - found.centres[present].mean(axis=0)
    solved = np.linalg.solve(within, between.T)
    values, vectors = np.linalg.eigh(between @ solved)
    kept = np.argsort(-values, kind="stable")[: min(len(present) - 1, standard.shape[1])]
    found_directions: Doubles = (solved @ vectors[:, kept] / np.sqrt(np.maximum(values[kept], LEAST_SD))).T
    return found_directions


@dataclass(frozen=True, slots=True)
class Mixture:
    """Scores as centre + offset + rest: ``centres`` (K, d), ``within`` and ``between`` (d, d), ``offset``
    (d,)."""

    centres: Doubles
    within: Doubles
    between: Doubles
    offset: Doubles


def mixture(
    scores: Doubles, labels: Ints, voices: Ints, corpora: Ints, weights: Doubles, widen: float
) -> Mixture:
    """Estimated on scores of voices that made none of them.

    Every corpus counts the same for the mean and the covariance of offsets, in which those between corpora
    are included; ``widen`` multiplies that covariance.
    """
    balanced = class_balanced(weights, labels)
    found = voice_offsets(scores, labels, voices, balanced)
    within = _shrunk((found.rest * balanced[:, np.newaxis]).T @ found.rest / balanced.sum())
    offsets, corpus_of = [], []
    for voice in np.unique(voices):
        own = voices == voice
        spoken = np.unique(labels[own])
        each = [(scores[own & (labels == label)] - found.centres[label]).mean(axis=0) for label in spoken]
        offsets.append(np.mean(each, axis=0))
        corpus_of.append(corpora[own][0])
    own_offsets, corpus = np.array(offsets), np.array(corpus_of)
    names = np.unique(corpus)
    means = np.array([own_offsets[corpus == name].mean(axis=0) for name in names])
    centre = means.mean(axis=0)
    spread = [np.atleast_2d(np.cov(own_offsets[corpus == name].T, bias=True)) for name in names]
    between = np.mean(spread, axis=0)
    if len(names) > 1:
        between = between + (means - centre).T @ (means - centre) / (len(names) - 1)
    return Mixture(found.centres, within, widen * _shrunk(between), centre)


def _shrunk(covariance: Doubles, share: float = 0.1) -> Doubles:
    """A tenth of the way to the sphere of the same trace, and never singular."""
    size = len(covariance)
    mean = max(float(np.trace(covariance)) / size, LEAST_SD)
    return (1 - share) * covariance + share * mean * np.eye(size)


def aligned(scores: Doubles, reference: Doubles, known: npt.NDArray[np.bool_], weights: Doubles) -> Doubles:
    """Scores of another training, (n, d'), in the space of ``reference``, (n, d), by the ``known`` rows."""
    design = np.concatenate([scores, np.ones((len(scores), 1))], axis=1)
    root = np.sqrt(weights[known])[:, np.newaxis]
    solution = np.linalg.lstsq(design[known] * root, reference[known] * root, rcond=None)[0]
    moved: Doubles = design @ solution
    return moved


def principal(
    standard: Doubles, groups: Ints, weights: Doubles, most: int = 32
) -> tuple[Doubles, Doubles, Doubles]:
    """(basis (r, dim), spread (r,), centres (groups, r)) of standardised rows."""
    share = weights / weights.sum()
    values, vectors = np.linalg.eigh((standard * share[:, np.newaxis]).T @ standard)
    kept = np.argsort(-values, kind="stable")[: min(most, standard.shape[1])]
    basis = np.ascontiguousarray(vectors[:, kept].T)
    place = standard @ basis.T
    _, group = np.unique(groups, return_inverse=True)
    centres = np.array(
        [np.average(place[group == g], axis=0, weights=weights[group == g]) for g in range(group.max() + 1)]
    )
    spread = np.sqrt(share @ (place - centres[group]) ** 2) + LEAST_SD
    return basis, spread, centres

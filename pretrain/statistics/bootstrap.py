"""How far a figure can be trusted, when whole speakers are drawn again and again.

Clips of one speaker are no independent evidence, so speakers are drawn, each with all their clips. Every
figure here is computed from sums over speakers, so one resample is one product of matrices.
Efron & Tibshirani 1993, section 13.3; clusters after Davison & Hinkley 1997, section 3.8.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.float64] | npt.NDArray[np.int64]
Statistic = Callable[[Numbers], Doubles]

RESAMPLES = 2000
EXACT = 12  # clusters: up to so many, all 2^n exchanges are tried
EXCHANGES = 10_000


def by_cluster(clusters: Sequence[str], values: Numbers) -> Numbers:
    """The sums of (n, …) values over each cluster, in the order of the clusters' names: (clusters, …)."""
    names, which = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.zeros((len(names), *values.shape[1:]), values.dtype)
    np.add.at(sums, which, values)
    return sums


def interval(
    each: Numbers, statistic: Statistic, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of a statistic of sums, ``each`` (clusters, …) holding every cluster's own.

    ``statistic`` takes (resamples, …) sums to (resamples,) figures.
    """
    low, high = np.nanpercentile(statistic(resampled(each, resamples, seed)), [2.5, 97.5])
    return float(low), float(high)


def resampled(each: Numbers, resamples: int = RESAMPLES, seed: int = 0) -> Numbers:
    """(resamples, …) sums over clusters drawn with replacement, ``each`` (clusters, …) holding their own."""
    count = len(each)
    drawn = np.random.default_rng(seed).integers(count, size=(resamples, count))
    drawn += count * np.arange(resamples)[:, np.newaxis]
    times = np.bincount(drawn.ravel(), minlength=resamples * count).reshape(resamples, count)
    sums: Numbers = (times @ each.reshape(count, -1)).reshape(resamples, *each.shape[1:])
    return sums


def paired_p(one: Numbers, other: Numbers, statistic: Statistic, *, seed: int = 0) -> float:
    """How likely two systems of equal worth differ as much as these: their results exchanged by cluster.

    ``one`` and ``other`` are (clusters, …) sums over the same clusters. Two-sided permutation test; exact for
    up to 12 clusters. Good 2005, "Permutation, Parametric and Bootstrap Tests of Hypotheses", section 3.7.
    """
    count = len(one)
    if count <= EXACT:
        swaps = np.array(list(itertools.product([0, 1], repeat=count)))
    else:
        swaps = np.random.default_rng(seed).integers(2, size=(EXCHANGES, count))
    kept = np.tensordot(1 - swaps, one, axes=1) + np.tensordot(swaps, other, axes=1)
    given = np.tensordot(swaps, one, axes=1) + np.tensordot(1 - swaps, other, axes=1)
    differences = np.abs(statistic(kept) - statistic(given))
    (observed,) = np.abs(statistic(one.sum(axis=0)[np.newaxis]) - statistic(other.sum(axis=0)[np.newaxis]))
    as_large = int((differences >= observed - 1e-12).sum())
    return as_large / len(swaps) if count <= EXACT else (1 + as_large) / (1 + len(swaps))

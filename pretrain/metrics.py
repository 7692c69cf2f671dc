"""Figures of merit, and how far they can be trusted.

Labels are integers here, positions in the list of labels; a confusion matrix has true rows and
predicted columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.metrics import accuracy_score, confusion_matrix
from stimmung.engine.types import Floats

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


def confusion(true: Ints, predicted: Ints, labels: int) -> Ints:
    """(labels, labels) counts, rows true, columns predicted."""
    return np.asarray(confusion_matrix(true, predicted, labels=np.arange(labels)), np.int64)


def uar(true: Ints, predicted: Ints, labels: int) -> float:
    """Unweighted average recall over the labels that occur: each counts the same, however rare."""
    return float(_uar(confusion(true, predicted, labels)))


def wa(true: Ints, predicted: Ints) -> float:
    """Weighted accuracy, the share of items that are right."""
    return float(accuracy_score(true, predicted))


def uar_ci95(
    true: Ints, predicted: Ints, labels: int, speakers: Sequence[str], *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of the UAR under a bootstrap of whole speakers.

    Clips of one speaker are no independent evidence, so speakers are drawn, each with all their clips.
    Efron & Tibshirani 1993, section 13.3; clusters after Davison & Hinkley 1997, section 3.8.
    """
    names, which = np.unique(np.asarray(speakers), return_inverse=True)
    each = np.zeros((len(names), labels, labels), np.int64)
    np.add.at(each, (which, true, predicted), 1)
    random = np.random.default_rng(seed)
    drawn = [
        np.bincount(random.integers(len(each), size=len(each)), minlength=len(each)) for _ in range(resamples)
    ]
    low, high = np.percentile(_uar(np.tensordot(np.array(drawn), each, axes=1)), [2.5, 97.5])
    return float(low), float(high)


def ece(true: Ints, probabilities: Floats, *, bins: int = 10) -> float:
    """Expected calibration error: |accuracy − confidence| over equal bins of confidence, weighted by size.

    Naeini et al. 2015; Guo et al. 2017, section 2, of the winning label.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == true
    of = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(of, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(true))


def _uar(matrices: Ints) -> Doubles:
    """UAR of (…, labels, labels) confusion matrices."""
    counts = matrices.sum(axis=-1)
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    recall = np.divide(hits, counts, out=np.zeros(counts.shape), where=counts > 0)
    return np.asarray(recall.sum(axis=-1) / (counts > 0).sum(axis=-1), np.float64)

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

from .bootstrap import Doubles as Doubles
from .bootstrap import Numbers, by_cluster, interval

Ints = npt.NDArray[np.int64]
BINS = 10


def confusion(true: Ints, predicted: Ints, labels: int) -> Ints:
    """(labels, labels) counts, rows true, columns predicted."""
    return np.asarray(confusion_matrix(true, predicted, labels=np.arange(labels)), np.int64)


def uar(true: Ints, predicted: Ints, labels: int) -> float:
    """Unweighted average recall over the labels that occur: each counts the same, however rare."""
    return float(uar_of(confusion(true, predicted, labels)))


def wa(true: Ints, predicted: Ints) -> float:
    """Weighted accuracy, the share of items that are right."""
    return float(accuracy_score(true, predicted))


def uar_ci95(
    true: Ints, predicted: Ints, labels: int, speakers: Sequence[str], *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of the UAR under a bootstrap of whole speakers.

    See :mod:`.bootstrap`.
    """
    return interval(
        by_cluster(speakers, one_hot(true, predicted, labels)), uar_of, resamples=resamples, seed=seed
    )


def one_hot(true: Ints, predicted: Ints, labels: int) -> Ints:
    """(n, labels, labels): the confusion matrix of each item alone."""
    each = np.zeros((len(true), labels, labels), np.int64)
    each[np.arange(len(true)), true, predicted] = 1
    return each


def ece(true: Ints, probabilities: Floats, *, bins: int = BINS) -> float:
    """Expected calibration error: |accuracy − confidence| over equal bins of confidence, weighted by size.

    Naeini et al. 2015; Guo et al. 2017, section 2, of the winning label.
    """
    return float(ece_of(calibration(true, probabilities, bins).sum(axis=0)[np.newaxis])[0])


def calibration(true: Ints, probabilities: Floats, bins: int = BINS) -> Doubles:
    """(n, 3, bins): for each item's bin of confidence 1, whether it is right, and its confidence."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    of = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    each = np.zeros((len(true), 3, bins))
    rows = np.arange(len(true))
    each[rows, 0, of] = 1
    each[rows, 1, of] = probabilities.argmax(axis=1) == true
    each[rows, 2, of] = confidence
    return each


def ece_of(sums: Numbers) -> Doubles:
    """ECE of (…, 3, bins) sums of :func:`calibration`."""
    gaps = np.abs(sums[..., 1, :] - sums[..., 2, :]).sum(axis=-1)
    return np.asarray(gaps / sums[..., 0, :].sum(axis=-1), np.float64)


def uar_of(matrices: Numbers) -> Doubles:
    """UAR of (…, labels, labels) confusion matrices."""
    recall = recalls_of(matrices)
    return np.asarray(np.nanmean(recall, axis=-1), np.float64)


def recalls_of(matrices: Numbers) -> Doubles:
    """The recall of each label, (…, labels); NaN for a label that does not occur."""
    counts = matrices.sum(axis=-1)
    hits = np.diagonal(matrices, axis1=-2, axis2=-1)
    recalls: Doubles = np.divide(hits, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
    return recalls


def wa_of(matrices: Numbers) -> Doubles:
    """Weighted accuracy of (…, labels, labels) confusion matrices."""
    hits = np.diagonal(matrices, axis1=-2, axis2=-1).sum(axis=-1)
    return np.asarray(hits / matrices.sum(axis=(-2, -1)), np.float64)


def moments(true: Doubles, predicted: Doubles) -> Doubles:
    """(n, 6): of each item 1, both values, their squares and their product; their sums make a CCC."""
    return np.stack([np.ones_like(true), true, predicted, true**2, predicted**2, true * predicted], axis=1)


def ccc_of(sums: Numbers) -> Doubles:
    """Concordance correlation of (…, 6) sums of :func:`moments`. Lin 1989, equation 2."""
    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    covariance = xy / n - x * y / n**2
    spread = xx / n - (x / n) ** 2 + yy / n - (y / n) ** 2 + (x / n - y / n) ** 2
    agreement: Doubles = np.divide(2 * covariance, spread, out=np.zeros_like(spread), where=spread > 0)
    return agreement


def rmse_of(sums: Numbers) -> Doubles:
    """Root mean square error of (…, 6) sums of :func:`moments`."""
    n, _, _, xx, yy, xy = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    error: Doubles = np.sqrt(np.maximum(0.0, (xx + yy - 2 * xy) / n))
    return error

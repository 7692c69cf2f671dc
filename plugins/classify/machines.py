"""Linear machines, one label against the rest, found for all labels at once.

What is minimised is that of scikit-learn's ``LinearSVC``: for each label ½‖w‖² and the squared hinge of every
row, the label's rows weighted by how rare it is, the intercept penalised as the weight of a column of ones.
There are more features than rows, and all that the optimum takes of them are the rows' inner products.
Newton's method finds it in a few steps (Chapelle 2007, "Training a support vector machine in the primal"),
each solved by conjugate gradients. liblinear trains where rows are too many for their products.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from stimmung.engine.types import Floats

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Products = npt.NDArray[np.floating[Any]]

LARGEST = 8192  # rows whose products, 256 MiB, are worth having
SINGLE = 10.0  # cost times a row's product with itself up to which single precision does
STEPS, HALVINGS = 100, 10  # of Newton's method, and of one step that would lead upwards
ENOUGH = 1e-6  # share of the value that a step has to gain for another
PRECISION, COARSE = 1e-4, 1e-2  # of a step, relative, and of one on half the rows
LIBLINEAR = 1e-2  # its own tolerance
FEW = 100  # rows that need no start from half of them


class Machines:
    """What can be trained on (n, dim) rows, the last column of ones, with (n,) labels as numbers.

    Of two labels there is one machine, for the second; of more there is one for each. No cost will be above
    ``highest``.
    """

    def __init__(self, rows: Floats, truth: Ints, labels: int, highest: float) -> None:
        self._rows, self._truth = rows, truth
        self._sign, self._weight = _signs(truth, labels)
        # The products' error is in proportion to their size, which has to be small beside 1 / (2 · cost).
        precise = highest * float(rows[0] @ rows[0]) > SINGLE
        exact = rows.astype(np.float64) if precise and len(rows) <= LARGEST else rows
        self._products = exact @ exact.T if len(rows) <= LARGEST else None

    def train(
        self, cost: float, start: Doubles | None = None, precision: float = PRECISION, seed: int = 0
    ) -> Doubles:
        """The weights, (dim, machines); ``start``: the rows' scores by similar machines, (n, machines)."""
        if self._products is None:
            return self._by_liblinear(cost, seed)
        shares = _shares(self._products, self._sign, cost * self._weight, start, precision)
        return np.asarray(self._rows.T @ shares.astype(np.float32), np.float64)

    def _by_liblinear(self, cost: float, seed: int) -> Doubles:
        from sklearn.svm import LinearSVC

        machine = LinearSVC(
            C=cost, class_weight="balanced", fit_intercept=False, tol=LIBLINEAR, random_state=seed
        )
        return np.ascontiguousarray(machine.fit(self._rows, self._truth).coef_.T, np.float64)


def _signs(truth: Ints, labels: int) -> tuple[Doubles, Doubles]:
    """(±1, the weight) of each row for each machine, (n, machines).

    The weights are those of ``class_weight="balanced"``, n / (labels · rows of the label), for a machine's
    own label, and 1 for the rest of several.
    """
    balanced = len(truth) / (labels * np.bincount(truth, minlength=labels).astype(np.float64))
    own = np.arange(labels) if labels > 2 else np.array([1])
    positive = truth[:, np.newaxis] == own
    rest = 1.0 if labels > 2 else float(balanced[0])
    return np.where(positive, 1.0, -1.0), np.where(positive, balanced[own], rest)


def _shares(
    products: Products, sign: Doubles, weight: Doubles, start: Doubles | None, precision: float
) -> Doubles:
    """What each row counts for in the weights of each machine, (n, machines): 0 beyond the margin."""
    scores = _halved(products, sign, weight) if start is None else start
    shares = _solved(products, np.sqrt(2 * weight) * (sign * scores < 1), sign, np.zeros(sign.shape), COARSE)
    scores = _times(products, shares)
    value = _values(shares, scores, sign, weight)
    accuracy = COARSE  # no more than a step is worth that later ones correct
    for _ in range(STEPS):
        aim = _solved(products, np.sqrt(2 * weight) * (sign * scores < 1), sign, shares, accuracy)
        apart, moved = aim - shares, _times(products, aim) - scores
        step = np.ones(len(value))
        for _ in range(HALVINGS):
            found = _values(shares + step * apart, scores + step * moved, sign, weight)
            if (found <= value).all():
                break
            step[found > value] /= 2
        step[found > value] = 0
        shares, scores = shares + step * apart, scores + step * moved
        gained = np.where(step > 0, value - found, 0)
        value = value - gained
        if accuracy <= precision and (gained <= ENOUGH * value).all():
            break
        accuracy = max(precision, min(accuracy, float((gained / value).max())) / 10)
    return shares


def _halved(products: Products, sign: Doubles, weight: Doubles) -> Doubles:
    """Scores to begin with: those of machines trained on every second row."""
    half = np.arange(0, len(sign), 2)
    if len(half) < FEW:
        return np.zeros(sign.shape)
    shares = _shares(products[np.ix_(half, half)], sign[half], weight[half], None, COARSE)
    return _times(products[:, half], shares)


def _solved(products: Products, root: Doubles, sign: Doubles, start: Doubles, precision: float) -> Doubles:
    """The minimum if the rows short of the margin stay those where ``root``, √(2 · weight), is not 0.

    Their shares solve (products + 1 / root²) shares = sign: here, for all machines at once, shares are
    root · u and (1 + root · products · root) u = root · sign.
    """
    from scipy.sparse.linalg import LinearOperator, cg

    def times(flat: Doubles) -> Doubles:
        found = flat.reshape(root.shape)
        return (found + root * _times(products, root * found)).ravel()

    first = np.divide(start, root, where=root > 0, out=np.zeros_like(root))
    operator = LinearOperator((root.size, root.size), matvec=times, dtype=np.float64)
    flat, _ = cg(operator, (root * sign).ravel(), first.ravel(), rtol=precision, maxiter=len(root))
    return np.asarray(root * flat.reshape(root.shape))


def _times(products: Products, shares: Doubles) -> Doubles:
    return np.asarray(products @ shares.astype(products.dtype), np.float64)


def _values(shares: Doubles, scores: Doubles, sign: Doubles, weight: Doubles) -> Doubles:
    """What is minimised, for each machine."""
    short = np.maximum(0, 1 - sign * scores)
    return np.asarray((shares * scores).sum(axis=0) / 2 + (weight * short**2).sum(axis=0))

"""A linear support vector machine over functionals, with calibrated probabilities.

Training: features standardised and clipped, scikit-learn's LinearSVC with balanced class weights, or rather
the optimum it approaches (:mod:`.machines`), one temperature
fitted on the decision values of held-out training speakers (Guo et al. 2017, "On Calibration of Modern
Neural Networks", section 4.2). A temperature cannot change which label wins, so the recall bought by
the class weights survives the calibration, which it does not with a sigmoid for each class. The clip
keeps a feature that hardly varied in training from outvoting all others, which would also drag the
temperature to "unsure of everything".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ConfigError, ModelError, ProtocolError
from stimmung.engine.models.cards import open_model
from stimmung.engine.models.statistics import read_populations
from stimmung.engine.models.weights import holds_no, read_arrays, write_arrays
from stimmung.engine.plugin import Classifier, hookimpl
from stimmung.engine.types import Floats
from threadpoolctl import threadpool_limits

from .machines import Machines
from .standard import Moments, Standard

NAME = "svm"
FILE = "svm.safetensors"
LABELS = "labels"
WHAT = "calibrated linear machine"
CALIBRATION_FOLDS = 5
HELD_OUT = 1e-3  # precision of the machines that only serve to choose a cost and a temperature

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scaler, clip, machine and temperature in one: softmax(weights · clip((x - mean) / scale) + bias).

    ``mean`` and ``scale`` are (dim,), ``clip_sd`` bounds the standardised features on both sides,
    ``weights`` is (labels, dim) and ``bias`` (labels,). Of two labels the machine scores only the
    second; the first gets the opposite score.
    """

    mean: Doubles
    scale: Doubles
    clip_sd: float
    weights: Doubles
    bias: Doubles

    @classmethod
    def of(cls, weights: Doubles, moments: Moments, clip_sd: float) -> Scorer:
        """softmax(decision value) of the machines with these (dim + 1, machines) weights."""
        both = _both(weights).T
        return cls(
            moments.mean, moments.deviation, clip_sd, np.ascontiguousarray(both[:, :-1]), both[:, -1].copy()
        )

    def sharpened(self, beta: float) -> Scorer:
        """softmax(beta · decision value)."""
        return replace(self, weights=self.weights * beta, bias=self.bias * beta)

    def scores(self, row: Floats) -> Doubles:
        """(dim,) → (labels,) decision values."""
        standard = np.clip((row - self.mean) / self.scale, -self.clip_sd, self.clip_sd)
        # Not a BLAS product: its summation order changes with the batch and the number of threads.
        return np.asarray((self.weights * standard).sum(axis=1) + self.bias)

    def probabilities(self, rows: Floats) -> Floats:
        """(n, dim) → (n, labels); a row's result never depends on the rows beside it."""
        out = np.empty((len(rows), len(self.bias)), np.float32)
        for row, result in zip(rows, out, strict=True):
            result[:] = _softmax(self.scores(row))
        return out


class Trainer:
    """Trains the machine; its options are those of a recipe's ``[classifier]`` table.

    ``c`` is the cost of an error, without unit; of several, the one with the best UAR over held-out
    training speakers is taken. Features are clipped at ``clip_sd`` standard deviations. ``seed`` is
    the solver's.
    """

    def __init__(self, c: float | list[float] = 1e-4, clip_sd: float = 5.0, seed: int = 0) -> None:
        self._costs = [float(cost) for cost in c] if isinstance(c, list) else [float(c)]
        self._clip_sd, self._seed = clip_sd, seed
        if not self._costs or min(self._costs) <= 0:
            raise ConfigError(
                f"option 'c' of plugin '{NAME}'", got=repr(c), expected="one or more costs above 0"
            )
        if not clip_sd > 0:
            raise ConfigError(f"option 'clip_sd' of plugin '{NAME}'", got=repr(clip_sd), expected="above 0")

    def fit(self, features: Sequence[Floats], labels: Sequence[str], speakers: Sequence[str]) -> Training:
        """A machine trained on these rows alone, one (n, dim) matrix for each input.

        No speaker is on both sides of any split made here. Raises ProtocolError when the rows have
        fewer than two speakers or labels.
        """
        from sklearn.model_selection import GroupKFold

        for what, values in (("speakers", speakers), ("labels", labels)):
            if len(set(values)) < 2:
                raise ProtocolError(
                    f"a calibrated '{NAME}' cannot be trained",
                    got=f"{what} {', '.join(sorted(set(values))) or 'none'}",
                    expected=f"at least two {what} to train on",
                )
        rows = np.concatenate(features, axis=1)
        if not np.isfinite(rows).all():
            raise ProtocolError(
                f"a calibrated '{NAME}' cannot be trained",
                got="features that are no number",
                remedy="leave out the recordings they come from",
            )
        classes, truth = np.unique(np.asarray(labels), return_inverse=True)
        splits = list(GroupKFold(min(CALIBRATION_FOLDS, len(set(speakers)))).split(rows, truth, speakers))
        # What is trained must not depend on how many cores the machine has.
        with threadpool_limits(1):
            return self._fit(rows, truth, tuple(map(str, classes)), splits)

    def _fit(
        self, rows: Floats, truth: Ints, labels: tuple[str, ...], splits: list[tuple[Ints, Ints]]
    ) -> Training:
        from sklearn.metrics import balanced_accuracy_score

        standard = Standard(rows, [held_out for _, held_out in splits], self._clip_sd)
        moments, highest = standard.moments(), max(self._costs)
        everything = standard.rows(np.arange(len(rows)), moments)
        machines = Machines(everything, truth, len(labels), highest)
        trained = {cost: machines.train(cost, seed=self._seed) for cost in self._costs}
        starts = {cost: everything @ weights for cost, weights in trained.items()}
        del everything, machines  # before the next are made
        tried = {cost: np.zeros((len(rows), len(labels))) for cost in self._costs}
        for fold, (known, held_out) in enumerate(splits):
            own = standard.moments(left_out=fold)
            inner = Machines(standard.rows(known, own), truth[known], len(labels), highest)
            unheard = standard.rows(held_out, own)
            for cost, start in starts.items():
                weights = inner.train(cost, start[known], HELD_OUT, self._seed)
                tried[cost][held_out] = _both(unheard @ weights)
        cost = max(tried, key=lambda cost: float(balanced_accuracy_score(truth, tried[cost].argmax(axis=1))))
        beta = fit_temperature(tried[cost], truth)
        return Training(Scorer.of(trained[cost], moments, self._clip_sd), beta, labels, {"c": cost})


@dataclass(frozen=True, slots=True)
class Training:
    """A trained machine: it predicts as :class:`Svm` will, and can be saved for it.

    ``labels`` are in the order of the columns of :meth:`predict`; ``chosen`` holds what was selected.
    """

    machine: Scorer
    beta: float
    labels: tuple[str, ...]
    chosen: dict[str, float]

    def predict(self, features: Sequence[Floats]) -> Floats:
        """One (n, dim) matrix for each input → calibrated probabilities, (n, labels)."""
        return self.machine.sharpened(self.beta).probabilities(np.concatenate(features, axis=1))

    def save(self, folder: Path) -> None:
        """Writes the model's file into ``folder``; its card is the caller's to write."""
        scorer = asdict(self.machine.sharpened(self.beta))
        arrays = {name: np.asarray(value, np.float64) for name, value in scorer.items()}
        write_arrays(folder / FILE, {LABELS: json.dumps(self.labels)}, arrays)


class Svm:
    """The classifier of a model folder that :meth:`Training.save` filled; raises ModelError."""

    api = 1
    example: ClassVar = {"model": "emotion_hsf_svm"}
    name = NAME
    trainer = Trainer

    def __init__(self, model: str) -> None:
        path, card = open_model(model, NAME, FILE)
        self.rate = card.rate
        self.inputs = card.plugin_inputs()
        self.target = card.target
        self.labels = tuple(card.labels)
        self.population = read_populations(path.parent, card)
        self._scorer = _load(path, self.labels, sum(i.dim for i in card.inputs))

    def predict(self, features: Sequence[Floats]) -> Floats:
        """One (n, dim) matrix for each input → calibrated probabilities, (n, labels)."""
        return self._scorer.probabilities(np.concatenate(features, axis=1))


def _both(scores: Doubles) -> Doubles:
    """(n, labels) scores or weights: of two labels the machine has those of the second alone."""
    return np.concatenate([-scores, scores], axis=1) if scores.shape[1] == 1 else scores


def fit_temperature(scores: Doubles, truth: npt.NDArray[np.int64]) -> float:
    """The factor for (n, labels) decision values at which their softmax is most likely."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    picked = np.arange(len(truth)), truth

    def loss(log_beta: float) -> float:
        return -float(log_softmax(scores * np.exp(log_beta), axis=1)[picked].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-10.0, 10.0), method="bounded").x))


def _softmax(scores: Doubles) -> Doubles:
    powers: Doubles = np.exp(scores - scores.max())
    powers /= powers.sum()
    return powers


def _load(path: Path, labels: tuple[str, ...], dim: int) -> Scorer:
    found, scorer = _read(path)
    shapes = [value.shape for value in (scorer.mean, scorer.scale, scorer.weights, scorer.bias)]
    expected = [(dim,), (dim,), (len(labels), dim), (len(labels),)]
    if found != labels or shapes != expected:
        raise ModelError(
            f"model file '{path}' does not fit its card",
            got=f"labels {', '.join(found)}, arrays of {shapes}",
            expected=f"{', '.join(labels)}, {expected}",
            remedy="train the model again",
        )
    return scorer


def _read(path: Path) -> tuple[tuple[str, ...], Scorer]:
    header, arrays = read_arrays(path, WHAT)
    try:
        labels = tuple(map(str, json.loads(header[LABELS])))
        return labels, Scorer(clip_sd=arrays.pop("clip_sd").item(), **arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise holds_no(WHAT, path, error) from error


@hookimpl
def stimmung_classifier() -> type[Classifier]:
    """The classifier of this plugin."""
    return Svm

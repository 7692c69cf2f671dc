"""A linear support vector machine over functionals, with calibrated probabilities.

Training: features standardised and clipped, LinearSVC with balanced class weights, one temperature
fitted on the decision values of held-out training speakers (Guo et al. 2017, "On Calibration of Modern
Neural Networks", section 4.2). A temperature cannot change which label wins, so the recall bought by
the class weights survives the calibration, which it does not with a sigmoid for each class. The clip
keeps a feature that hardly varied in training from outvoting all others, which would also drag the
temperature to "unsure of everything".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ConfigError, ModelError, ProtocolError
from stimmung.engine.models.cards import open_model
from stimmung.engine.models.statistics import read_populations
from stimmung.engine.models.weights import holds_no, read_arrays, write_arrays
from stimmung.engine.plugin import Classifier, hookimpl
from stimmung.engine.types import Floats

# scikit-learn takes a second to import: training needs it, opening a model does not.
if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

NAME = "svm"
FILE = "svm.safetensors"
LABELS = "labels"
WHAT = "calibrated linear machine"
CALIBRATION_FOLDS = 5

Doubles = npt.NDArray[np.float64]


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
    def of(cls, machine: Pipeline, beta: float) -> Scorer:
        """softmax(beta · decision value) of the pipeline that :class:`Trainer` builds."""
        scaler, clip, svc = (step for _, step in machine.steps)
        weights, bias = svc.coef_, svc.intercept_
        if len(weights) == 1:
            weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
        clip_sd = float(clip.kw_args["a_max"])
        return cls(scaler.mean_, scaler.scale_, clip_sd, np.ascontiguousarray(weights * beta), bias * beta)

    def probabilities(self, rows: Floats) -> Floats:
        """(n, dim) → (n, labels); a row's result never depends on the rows beside it."""
        out = np.empty((len(rows), len(self.bias)), np.float32)
        for row, result in zip(rows, out, strict=True):
            standard = np.clip((row - self.mean) / self.scale, -self.clip_sd, self.clip_sd)
            # Not a BLAS product: its summation order changes with the batch and the number of threads.
            result[:] = _softmax((self.weights * standard).sum(axis=1) + self.bias)
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
        from sklearn.metrics import balanced_accuracy_score
        from sklearn.model_selection import GroupKFold, cross_val_predict

        for what, values in (("speakers", speakers), ("labels", labels)):
            if len(set(values)) < 2:
                raise ProtocolError(
                    f"a calibrated '{NAME}' cannot be trained",
                    got=f"{what} {', '.join(sorted(set(values))) or 'none'}",
                    expected=f"at least two {what} to train on",
                )
        rows = np.concatenate(features, axis=1)
        classes, truth = np.unique(np.asarray(labels), return_inverse=True)
        splits = list(GroupKFold(min(CALIBRATION_FOLDS, len(set(speakers)))).split(rows, truth, speakers))

        def held_out(cost: float) -> Doubles:
            scores = cross_val_predict(
                self._machine(cost), rows, truth, cv=splits, method="decision_function"
            )
            return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores

        tried = {cost: held_out(cost) for cost in self._costs}
        cost = max(tried, key=lambda cost: float(balanced_accuracy_score(truth, tried[cost].argmax(axis=1))))
        beta = fit_temperature(tried[cost], truth)
        machine = self._machine(cost).fit(rows, truth)
        return Training(machine, beta, tuple(map(str, classes)), {"c": cost})

    def _machine(self, cost: float) -> Pipeline:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer, StandardScaler
        from sklearn.svm import LinearSVC

        clip = FunctionTransformer(np.clip, kw_args={"a_min": -self._clip_sd, "a_max": self._clip_sd})
        svc = LinearSVC(C=cost, class_weight="balanced", tol=1e-2, random_state=self._seed)
        return make_pipeline(StandardScaler(), clip, svc)


@dataclass(frozen=True, slots=True)
class Training:
    """A trained machine: it predicts as :class:`Svm` will, and can be saved for it.

    ``labels`` are in the order of the columns of :meth:`predict`; ``chosen`` holds what was selected.
    """

    machine: Pipeline
    beta: float
    labels: tuple[str, ...]
    chosen: dict[str, float]

    def predict(self, features: Sequence[Floats]) -> Floats:
        """One (n, dim) matrix for each input → calibrated probabilities, (n, labels)."""
        return Scorer.of(self.machine, self.beta).probabilities(np.concatenate(features, axis=1))

    def save(self, folder: Path) -> None:
        """Writes the model's file into ``folder``; its card is the caller's to write."""
        scorer = asdict(Scorer.of(self.machine, self.beta))
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

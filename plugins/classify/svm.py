"""A linear support vector machine over functionals, with calibrated probabilities.

Training: features standardised, LinearSVC with balanced class weights, one temperature fitted on the
decision values of held-out training speakers (Guo et al. 2017, "On Calibration of Modern Neural
Networks", section 4.2). A temperature cannot change which label wins, so the recall bought by the
class weights survives the calibration, which it does not with a sigmoid for each class.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from stimmung.engine.cards import find_model, load_card, verify
from stimmung.engine.errors import ConfigError, ModelError, ProtocolError
from stimmung.engine.plugin import Classifier, hookimpl
from stimmung.engine.types import Floats

# scikit-learn and skops take a second to import and are only needed to train or to open a model.
if TYPE_CHECKING:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.pipeline import Pipeline

NAME = "svm"
FILE = "svm.skops"
CALIBRATION_FOLDS = 10
# What a model file may contain beyond what skops itself vouches for; a file with anything else is refused.
TRUSTED = ("sklearn.calibration._CalibratedClassifier", "sklearn.calibration._TemperatureScaling")

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scaler, machine and temperature as one affine map: probabilities = softmax(weights · x + bias).

    ``weights`` is (labels, dim) and ``bias`` (labels,). Two labels are two opposite rows.
    """

    weights: Doubles
    bias: Doubles

    @classmethod
    def of(cls, estimator: CalibratedClassifierCV) -> Scorer:
        """The same function as ``estimator.predict_proba``, a hundred times faster on one row."""
        calibrated = estimator.calibrated_classifiers_[0]
        scaler, machine = (step for _, step in calibrated.estimator.steps)
        weights = machine.coef_ / scaler.scale_
        bias = machine.intercept_ - weights @ scaler.mean_
        if len(weights) == 1:
            weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
        beta = calibrated.calibrators[0].beta_
        return cls(np.ascontiguousarray(weights * beta), bias * beta)

    def probabilities(self, rows: Floats) -> Floats:
        """(n, dim) → (n, labels); a row's result never depends on the rows beside it."""
        out = np.empty((len(rows), len(self.bias)), np.float32)
        for row, result in zip(rows, out, strict=True):
            # Not a BLAS product: its summation order changes with the batch and the number of threads.
            score = (self.weights * row).sum(axis=1) + self.bias
            exponential = np.exp(score - score.max())
            result[:] = exponential / exponential.sum()
        return out


class Trainer:
    """Trains the machine; its options are those of a recipe's ``[classifier]`` table.

    ``c`` is the cost of an error, without unit; of several, the one with the best UAR over held-out
    training speakers is taken.
    """

    def __init__(self, c: float | list[float] = 1e-4, seed: int = 0) -> None:
        self._costs = [float(cost) for cost in c] if isinstance(c, list) else [float(c)]
        self._seed = seed
        if not self._costs or min(self._costs) <= 0:
            raise ConfigError(
                f"option 'c' of plugin '{NAME}'", got=repr(c), expected="one or more costs above 0"
            )

    def fit(self, features: Sequence[Floats], labels: Sequence[str], speakers: Sequence[str]) -> Training:
        """A machine trained on these rows alone, one (n, dim) matrix for each input.

        No speaker is on both sides of any split made here. Raises ProtocolError when the rows have
        fewer than two speakers or labels.
        """
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.metrics import recall_score
        from sklearn.model_selection import GroupKFold, cross_val_predict

        for what, values in (("speakers", speakers), ("labels", labels)):
            if len(set(values)) < 2:
                raise ProtocolError(
                    f"a calibrated '{NAME}' cannot be trained",
                    got=f"{what} {', '.join(sorted(set(values))) or 'none'}",
                    expected=f"at least two {what} to train on",
                )
        rows, truth = np.concatenate(features, axis=1), np.asarray(labels)
        splits = list(GroupKFold(min(CALIBRATION_FOLDS, len(set(speakers)))).split(rows, truth, speakers))

        def held_out_uar(cost: float) -> float:
            predicted = cross_val_predict(self._machine(cost), rows, truth, cv=splits)
            return float(recall_score(truth, predicted, average="macro"))

        cost = max(self._costs, key=held_out_uar) if len(self._costs) > 1 else self._costs[0]
        estimator = CalibratedClassifierCV(
            self._machine(cost), method="temperature", cv=splits, ensemble=False
        ).fit(rows, truth)
        # The splits list every training row; they have done their work and are no part of the model.
        estimator.set_params(cv=None)
        return Training(estimator, tuple(map(str, estimator.classes_)), {"c": cost})

    def _machine(self, cost: float) -> Pipeline:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from sklearn.svm import LinearSVC

        return make_pipeline(
            StandardScaler(), LinearSVC(C=cost, class_weight="balanced", random_state=self._seed)
        )


@dataclass(frozen=True, slots=True)
class Training:
    """A trained machine: it predicts as :class:`Svm` will, and can be saved for it.

    ``labels`` are in the order of the columns of :meth:`predict`; ``chosen`` holds what was selected.
    """

    estimator: CalibratedClassifierCV
    labels: tuple[str, ...]
    chosen: dict[str, float]

    def predict(self, features: Sequence[Floats]) -> Floats:
        """One (n, dim) matrix for each input → calibrated probabilities, (n, labels)."""
        return Scorer.of(self.estimator).probabilities(np.concatenate(features, axis=1))

    def save(self, folder: Path) -> None:
        """Writes the model's file into ``folder``; its card is the caller's to write."""
        import skops.io

        skops.io.dump(self.estimator, folder / FILE, compression=zipfile.ZIP_DEFLATED)


class Svm:
    """The classifier of a model folder that :class:`Trainer` filled; raises ModelError."""

    name = NAME
    trainer = Trainer

    def __init__(self, model: str) -> None:
        folder = find_model(model)
        card = load_card(folder)
        if card.plugin != NAME or FILE not in card.files:
            raise ModelError(
                f"model '{card.name}' is not for the classifier '{NAME}'",
                got=f"plugin '{card.plugin}' with files {', '.join(card.files)}",
                expected=f"plugin '{NAME}' with file {FILE}",
            )
        verify(folder, card)
        estimator = _load(folder / FILE)
        self.rate = card.rate
        self.inputs = card.plugin_inputs()
        self.target = card.target
        self.labels = tuple(card.labels)
        self._scorer = _scorer(estimator, self.labels, sum(i.dim for i in card.inputs), folder / FILE)

    def predict(self, features: Sequence[Floats]) -> Floats:
        """One (n, dim) matrix for each input → calibrated probabilities, (n, labels)."""
        return self._scorer.probabilities(np.concatenate(features, axis=1))


def _load(path: Path) -> Any:
    import skops.io

    try:
        unknown = skops.io.get_untrusted_types(file=path)
        refused = sorted(set(unknown) - set(TRUSTED))
        if refused:
            raise ModelError(
                f"model file '{path}' holds types that are not trusted",
                got=", ".join(refused),
                expected="a machine written by: stimmung train",
            )
        return skops.io.load(path, trusted=list(TRUSTED))
    except ModelError:
        raise
    except Exception as error:  # a damaged file can raise anything from within zip, JSON or numpy
        raise ModelError(
            f"model file '{path}' cannot be read", got=repr(error), remedy="train again"
        ) from error


def _scorer(estimator: Any, labels: tuple[str, ...], dim: int, path: Path) -> Scorer:
    try:
        classes, scorer = tuple(estimator.classes_), Scorer.of(estimator)
    except (AttributeError, ValueError, TypeError, IndexError) as error:
        raise ModelError(
            f"model file '{path}' holds no calibrated linear machine", got=repr(error), remedy="train again"
        ) from error
    if classes != labels or scorer.weights.shape != (len(labels), dim):
        raise ModelError(
            f"model file '{path}' does not fit its card",
            got=f"labels {', '.join(classes)} over {scorer.weights.shape[1]} features",
            expected=f"{', '.join(labels)} over {dim}",
        )
    return scorer


@hookimpl
def stimmung_classifier() -> type[Classifier]:
    """The classifier of this plugin."""
    return Svm

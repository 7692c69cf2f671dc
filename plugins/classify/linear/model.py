"""The numbers of a linear classifier, what it makes of a row, and the file they are kept in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ModelError
from stimmung.engine.models.weights import holds_no, read_arrays, write_arrays
from stimmung.engine.types import Floats

NAME = "linear"
FILE = "linear.safetensors"
LABELS = "labels"
WHAT = "linear classifier"
BOUND_SD = 20.0  # of standardised features: what lies beyond is no speech that anybody trained on

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Space:
    """Where training data lies: principal directions of standardised features, and the centres in them.

    ``basis`` is (directions, dim), ``spread`` (directions,) the deviation around the centres, ``centres``
    (centres, directions), one for each corpus or, of a single corpus, for each label. ``limit``: the
    distance that 99 % of training rows stay below.
    """

    basis: Doubles
    spread: Doubles
    centres: Doubles
    limit: float

    def distance(self, standard: Doubles) -> float:
        """That of one row of standardised features, (dim,), to the nearest centre; 1 is the limit."""
        place = (self.basis * standard).sum(axis=1)
        return float(np.sqrt((((place - self.centres) / self.spread) ** 2).mean(axis=1)).min() / self.limit)


@dataclass(frozen=True, slots=True)
class LinearModel:
    """softmax(weights · (x - mean) / scale + bias), and how it is mixed with the log posteriors of an offset.

    ``mean`` and ``scale`` are (dim,), ``weights`` (labels, dim) and ``bias`` (labels,), the calibration of
    the plain classifier included. ``plain_share`` is its share of a mixture, 0 to 1; ``offsets``, (labels,),
    are added to the mixture's log probabilities, which are then divided by ``temperature``.
    """

    mean: Doubles
    scale: Doubles
    weights: Doubles
    bias: Doubles
    plain_share: float
    offsets: Doubles
    temperature: float
    space: Space

    def probabilities(self, rows: Floats, evidence: Floats | None = None) -> Floats:
        """(n, dim), and (n, labels) of log posteriors if there are any → (n, labels).

        A row's result never depends on the rows beside it.
        """
        out = np.empty((len(rows), len(self.bias)), np.float32)
        for at, row in enumerate(rows):
            scores = self.scores(row)
            if evidence is not None:
                scores = self.mixed(log_softmax(scores), evidence[at].astype(np.float64)) / self.temperature
            out[at] = np.exp(log_softmax(scores))
        return out

    def scores(self, row: Floats) -> Doubles:
        """Of one row, (dim,) → (labels,)."""
        # Not a BLAS product: its summation order changes with the batch and the number of threads.
        scores: Doubles = (self.weights * self._standard(row)).sum(axis=1) + self.bias
        return scores

    def mixed(self, plain: Doubles, evidence: Doubles) -> Doubles:
        """Log probabilities of both, (…, labels), as one, up to the temperature and a constant."""
        return self.plain_share * plain + (1 - self.plain_share) * evidence + self.offsets

    def distance(self, rows: Floats) -> Floats:
        """How far each row, (n, dim), is from the training data, (n,)."""
        return np.array([self.space.distance(self._standard(row)) for row in rows], np.float32)

    def _standard(self, row: Floats) -> Doubles:
        return np.clip((row - self.mean) / self.scale, -BOUND_SD, BOUND_SD)


def log_softmax(scores: Doubles) -> Doubles:
    """Over the last axis."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    result: Doubles = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def write_model(folder: Path, model: LinearModel, labels: tuple[str, ...]) -> None:
    """Writes what :func:`read_model` reads; a card is written after."""
    values = asdict(model)
    values |= {f"space.{name}": value for name, value in values.pop("space").items()}
    arrays = {name: np.asarray(value, np.float64) for name, value in values.items()}
    write_arrays(folder / FILE, {LABELS: json.dumps(labels)}, arrays)


def read_model(path: Path, labels: tuple[str, ...], dim: int) -> LinearModel:
    """The model of a file, for these labels and as many features; raises ModelError."""
    header, arrays = read_arrays(path, WHAT)
    try:
        found = tuple(map(str, json.loads(header[LABELS])))
        space = Space(
            **{name: arrays.pop(f"space.{name}") for name in ("basis", "spread", "centres")},
            limit=arrays.pop("space.limit").item(),
        )
        numbers: dict[str, Any] = {**arrays}
        numbers |= {name: arrays[name].item() for name in ("plain_share", "temperature")}
        model = LinearModel(**numbers, space=space)
    except (KeyError, TypeError, ValueError) as error:
        raise holds_no(WHAT, path, error) from error
    count, directions = len(labels), len(space.spread)
    expected = {
        "mean": (dim,),
        "scale": (dim,),
        "weights": (count, dim),
        "bias": (count,),
        "offsets": (count,),
    }
    shapes = {name: getattr(model, name).shape for name in expected}
    fits = space.basis.shape == (directions, dim) and space.centres.shape[1:] == (directions,)
    if found != labels or shapes != expected or not fits:
        raise ModelError(
            f"model file '{path}' does not fit its card",
            got=f"labels {', '.join(found)}, arrays of {shapes}",
            expected=f"{', '.join(labels)}, {expected}",
            remedy="train the model again",
        )
    return model

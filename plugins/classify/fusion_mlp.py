"""The joint network's head: a few layers for each extractor, then layers over all of them, then a softmax.

Joint Representation (Luo et al. 2018), section 3.2: the CRNN's 384 numbers through 128 units, 6373
functionals through 1024, 520 and 128, both through 32 and a softmax; sigmoids between. Which
extractors, and how many units each, is the trained model's to say: anything a pipeline extracts can be fused.

An input may be missing: a row of NaN, as for words before anything was said. Its branch then contributes what
it contributed on average to the recordings trained on, or the row is refused, as the model says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec
import numpy as np
from scipy.special import expit, softmax
from stimmung.engine.errors import ModelError, PluginError
from stimmung.engine.models.cards import open_model
from stimmung.engine.models.statistics import read_populations
from stimmung.engine.models.weights import misfit, read_weights
from stimmung.engine.plugin import Classifier, hookimpl
from stimmung.engine.types import Floats

NAME = "fusion_mlp"
FILE = "fusion_mlp.safetensors"
NOTHING = np.empty(0, np.float32)
Layer = tuple[Floats, Floats]


class BranchSettings(msgspec.Struct, frozen=True):
    """One input: its ``name``, and the units of its ``layers``.

    With ``clip_sd`` features are standardised, clipped at so many deviations and projected linearly first.
    """

    name: str
    layers: tuple[int, ...] = ()
    clip_sd: float | None = None


class Settings(msgspec.Struct, frozen=True):
    """What the file of weights says about its network: ``joint`` are the layers over all branches."""

    branches: tuple[BranchSettings, ...]
    joint: tuple[int, ...]
    missing: Literal["average", "refuse"] = "average"


@dataclass(frozen=True, slots=True)
class Branch:
    """The layers of one input; ``average`` is what they gave on average in training."""

    settings: BranchSettings
    mean: Floats
    scale: Floats
    projection: Floats
    layers: list[Layer]
    average: Floats

    @classmethod
    def of(cls, settings: BranchSettings, weights: Mapping[str, Floats]) -> Branch:
        """The branch of that name in a file of weights; raises KeyError when something lacks."""
        own = f"branches.{settings.name}"
        mean = scale = projection = NOTHING
        if settings.clip_sd is not None:
            mean, scale, projection = (weights[f"{own}.{part}"] for part in ("mean", "scale", "projection"))
        layers = _layers(weights, f"{own}.layers", settings.layers)
        return cls(settings, mean, scale, projection, layers, weights[f"{own}.average"])

    def __call__(self, features: Floats) -> Floats:
        """(dim,) → (last layer's units,)."""
        vector = features
        if self.settings.clip_sd is not None:
            clip_sd = np.float32(self.settings.clip_sd)
            vector = self.projection @ np.clip((vector - self.mean) / self.scale, -clip_sd, clip_sd)
        return _through(self.layers, vector)


class Network:
    """Branches, joint layers and softmax of a file of weights; raises KeyError or ValueError for a misfit."""

    def __init__(self, settings: Settings, weights: Mapping[str, Floats]) -> None:
        self.settings = settings
        self._branches = [Branch.of(branch, weights) for branch in settings.branches]
        self._joint = _layers(weights, "joint", settings.joint)
        self._output = weights["output.weight"], weights["output.bias"]

    def probabilities(self, features: Sequence[Floats]) -> Floats:
        """One (n, dim) matrix for each branch → (n, labels); a row never depends on those beside it."""
        return np.stack([self._one(row) for row in zip(*features, strict=True)])

    def _one(self, row: Sequence[Floats]) -> Floats:
        parts = [self._part(*one) for one in zip(self._branches, row, strict=True)]
        weight, bias = self._output
        found: Floats = softmax(weight @ _through(self._joint, np.concatenate(parts)) + bias)
        return found

    def _part(self, branch: Branch, features: Floats) -> Floats:
        if not np.isnan(features).any():
            return branch(features)
        if self.settings.missing == "refuse":
            raise PluginError(
                f"input '{branch.settings.name}' is missing",
                expected="every input of a model that refuses what is incomplete",
                remedy='train it with missing = "average"',
            )
        return branch.average


class Head:
    """The classifier of a model folder that ``stimmung train`` filled; raises ModelError."""

    api = 1
    name: str
    file: ClassVar[str]

    def __init__(self, model: str) -> None:
        path, card = open_model(model, self.name, self.file)
        settings, weights = read_weights(path, Settings)
        self.rate = card.rate
        self.inputs = card.plugin_inputs()
        self.target = card.target
        self.labels = tuple(card.labels)
        self.population = read_populations(path.parent, card)
        self.takes_missing = settings.missing != "refuse"
        try:
            self._network = Network(settings, weights)
            probe = self._network.probabilities([np.zeros((1, one.dim), np.float32) for one in self.inputs])
        except (KeyError, ValueError) as error:
            raise misfit(path, error) from error
        names = [branch.name for branch in settings.branches]
        if names != [one.name for one in self.inputs] or probe.shape[1] != len(self.labels):
            raise ModelError(
                f"model file '{path}' does not fit its card",
                got=f"inputs {', '.join(names)} and {probe.shape[1]} labels",
                expected=f"{', '.join(one.name for one in self.inputs)} and {len(self.labels)}",
                remedy="train the model again",
            )

    def predict(self, features: Sequence[Floats]) -> Floats:
        """One (n, dim) matrix for each input → calibrated probabilities, (n, labels); NaN is missing."""
        return self._network.probabilities(features)


class FusionMlp(Head):
    """The head over several extractors."""

    example: ClassVar = {"model": "emotion_hsf_crnn"}
    name = NAME
    file = FILE


def _layers(weights: Mapping[str, Floats], name: str, sizes: Sequence[int]) -> list[Layer]:
    found = [(weights[f"{name}.{k}.weight"], weights[f"{name}.{k}.bias"]) for k in range(len(sizes))]
    for size, (weight, bias) in zip(sizes, found, strict=True):
        if len(weight) != size or len(bias) != size:
            raise ValueError(f"{len(weight)} and {len(bias)} units in '{name}' instead of {size}")
    return found


def _through(layers: Sequence[Layer], vector: Floats) -> Floats:
    for weight, bias in layers:
        vector = expit(weight @ vector + bias)
    return vector


@hookimpl
def stimmung_classifier() -> type[Classifier]:
    """The classifier of this plugin."""
    return FusionMlp

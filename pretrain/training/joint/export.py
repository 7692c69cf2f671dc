"""A jointly trained system becomes its plugins: weights of the extractor and of the head, a card for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from stimmung.engine.models.cards import Card, CardInput, write_card
from stimmung.engine.models.weights import write_weights
from stimmung.engine.registry import build
from stimmung.engine.types import Floats
from stimmung.plugins.classify.fusion_mlp import BranchSettings, Settings

from ...recipes.joint_recipe import JointRecipe
from .inference import Network
from .networks import MultiCrnn


@dataclass(slots=True)
class JointTraining:
    """A trained system: it predicts as its plugins will, and can be saved for them."""

    recipe: JointRecipe
    network: Network
    labels: tuple[str, ...]
    chosen: dict[str, float]

    def predict(self, features: Sequence[npt.NDArray[Any]]) -> Floats:
        """The excerpts, then one (n, dim) matrix for every other input → probabilities, (n, labels)."""
        scores = self.network.scores(features[0].tolist(), features[1:])
        probabilities: Floats = softmax(self.network.beta * scores, axis=1).astype(np.float32)
        return probabilities

    def save(self, folder: Path) -> None:
        """Writes the head's file into ``folder``; its card is the caller's to write."""
        table = self.recipe.network
        names = [entry.name for entry in self.recipe.extractors]
        clips = [None, *(standard.clip_sd for standard in self.network.standards)]
        branches = tuple(
            BranchSettings(name, tuple(table.branches.get(name, [])), clip_sd)
            for name, clip_sd in zip(names, clips, strict=True)
        )
        plugin = self.recipe.classifier.plugin
        write_weights(
            folder / f"{plugin}.safetensors",
            Settings(branches, tuple(table.joint), table.missing),
            self._head(names),
        )

    def save_extractor(self, folder: Path, card: Card) -> CardInput:
        """Writes the extractor beside ``folder``, with a card; the input it is for the head's card."""
        plugin, hearing = self.recipe.hearing, self.network.joint.hearing
        settings = hearing.scales if isinstance(hearing, MultiCrnn) else hearing.segments
        beside = folder.with_name(f"{folder.name}_{plugin}")
        beside.mkdir(exist_ok=True)
        weights = {name: value.numpy() for name, value in hearing.state_dict().items()}
        write_weights(beside / f"{plugin}.safetensors", settings, weights)
        name = f"{card.name}_{plugin}"
        write_card(beside, msgspec.structs.replace(card, name=name, plugin=plugin, inputs=[]))
        built = build("extractor", plugin, {"model": str(beside)})
        return CardInput(self.recipe.extractors[0].name, built.dim, built.version, {"model": beside.name})

    def _head(self, names: Sequence[str]) -> dict[str, Floats]:
        joint = self.network.joint
        weights: dict[str, Floats] = {
            name: value.numpy()
            for name, value in joint.state_dict().items()
            if not name.startswith("hearing.")
        }
        for part in ("weight", "bias"):
            weights[f"output.{part}"] = weights[f"output.{part}"] * np.float32(self.network.beta)
        for name, standard in zip(names[1:], self.network.standards, strict=True):
            for part in ("mean", "scale", "projection"):
                weights[f"branches.{name}.{part}"] = getattr(standard, part)
        return weights

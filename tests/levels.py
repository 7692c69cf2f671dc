"""A model that infers offsets, trained in a moment on what one outside plugin extracts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.models.cards import CardInput, write_card
from stimmung.plugins.classify.linear.training import Trainer
from support import acme, card_of

LABELS = ("calm", "loud", "neutral")


def trained(folder: Path, seed: int = 0) -> Path:
    """A folder with a model of ten made-up people, each of whom speaks at a level of their own."""
    random = np.random.default_rng(seed)
    truth = np.tile(np.arange(3), 100)
    people = np.repeat(np.arange(10), 30)
    level = np.array([-45.0, -30.0, -38.0])[truth] + random.normal(0, 5, 10)[people]
    rows = level[:, np.newaxis] + [0.0, 12.0, 60.0] + random.normal(0, 4, (300, 3))
    names = [f"p{person}" for person in people]
    training = Trainer(plain_share=0.5).fit([rows.astype(np.float32)], [LABELS[t] for t in truth], names)
    folder.mkdir(exist_ok=True)
    training.save(folder)
    card = card_of("linear", training.labels, [CardInput("acme-loudness", 3, "1")], "arousal")
    write_card(folder, card)
    return folder


def described(
    model: Path, normalise: str = "offset", bus: dict[str, Any] | None = None, **keys: Any
) -> PipelineConfig:
    """A pipeline of that model; other ``keys`` are of the classifier's table."""
    classifiers = [{"plugin": "linear", "model": str(model), "normalise": normalise, **keys}]
    return acme(extractors=[{"plugin": "acme-loudness"}], classifiers=classifiers, bus=bus or {})

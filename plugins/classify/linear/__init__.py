"""A linear classifier, by itself or beside the label that the speaker's inferred offset speaks for.

By itself it is a softmax of class-balanced ridge regression. In a pipeline with ``normalise = "offset"`` it
gets the log posteriors of :mod:`stimmung.engine.streaming.speaker.offset` too and mixes both: ``plain_share *
log plain + (1 - plain_share) * evidence``, plus a bias of neutral that sets the operating point, over one
temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from stimmung.engine.errors import ConfigError
from stimmung.engine.models.cards import open_model
from stimmung.engine.models.statistics import OffsetModel, read_offset, read_populations
from stimmung.engine.plugin import Classifier, hookimpl
from stimmung.engine.types import Floats

from .model import FILE, NAME, read_model
from .training import Trainer


class Linear:
    """The classifier of a model folder that ``stimmung train`` filled; raises ModelError.

    ``neutral_prior``: how much likelier than each other label neutral speech is expected to be where the
    speaker's offset is inferred, 0 for what the model says. ``forget_s``: after as many seconds of speech
    half of an offset is forgotten, 0 for what the model says.
    """

    api = 1
    example: ClassVar[dict[str, str]] = {}
    name = NAME
    trainer = Trainer

    def __init__(self, model: str, neutral_prior: float = 0.0, forget_s: float = 0.0) -> None:
        path, card = open_model(model, NAME, FILE)
        self.rate = card.rate
        self.inputs = card.plugin_inputs()
        self.target = card.target
        self.labels = tuple(card.labels)
        self.offset = _set(read_offset(path.parent, card), neutral_prior, forget_s)
        self.population = read_populations(path.parent, card)
        self._model = read_model(path, self.labels, sum(i.dim for i in card.inputs))

    def predict(self, features: Sequence[Floats]) -> Floats:
        """One (n, dim) matrix, or that and the log posteriors (n, labels) → probabilities, (n, labels)."""
        return self._model.probabilities(*features)

    def training_distance(self, features: Sequence[Floats]) -> Floats:
        """How far each row of the (n, dim) matrix is from all that the model was trained on, (n,).

        1 is what 99 % of training recordings stay below, each seen by a model of other speakers.
        """
        return self._model.distance(features[0])


def _set(offset: OffsetModel | None, neutral_prior: float, forget_s: float) -> OffsetModel | None:
    for key, value in (("neutral_prior", neutral_prior), ("forget_s", forget_s)):
        if value < 0:
            raise ConfigError(f"option '{key}' of plugin '{NAME}'", got=repr(value), expected="0 or more")
    if offset is None:
        return None
    if neutral_prior:
        prior = tuple(neutral_prior if at == offset.neutral else 1.0 for at in range(len(offset.labels)))
        offset = msgspec.structs.replace(offset, prior=prior)
    return msgspec.structs.replace(offset, forget_s=forget_s) if forget_s else offset


@hookimpl
def stimmung_classifier() -> type[Classifier]:
    """The classifier of this plugin."""
    return Linear

"""A recipe of a joint training: a network that hears, trained together with the head over it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from stimmung.engine.config import Count, Positive, Share, Table, decode
from stimmung.engine.errors import ConfigError

from ..recipe import Normalisation, Recipe

HEARING = {"crnn": 384, "multi_crnn": 512, "e2e_cnn_lstm": 384}  # the features of each
HEADS = ("softmax", "fusion_mlp")


class NetworkTable(Table, frozen=True):
    """``branches``: for each extractor the units of the layers it passes alone; ``joint``: of those over all.

    Extractors that are not trained are standardised, clipped at ``clip_sd`` deviations and projected on the
    ``rank`` directions in which the training recordings differ most. ``missing`` is what the head does
    with a row that lacks an input.
    """

    branches: dict[str, list[Count]] = msgspec.field(default_factory=dict)
    joint: list[Count] = msgspec.field(default_factory=list)
    clip_sd: Positive = 5.0
    rank: Count = 300
    missing: Literal["average", "refuse"] = "average"


class TrainingTable(Table, frozen=True):
    """``batch``: recordings; ``whole``: the share heard whole; of all others a window, or a copy at a speed.

    ``learning_rate`` is the highest of one rise and fall (Smith 2018); ``average`` the share that a
    moving average of the weights keeps at each step. ``dev_speakers`` of those to train on decide when to
    stop: ``patience`` epochs after the last that was better. With ``refit`` the network is then trained on
    them too, from the start and for as long as was best.
    """

    epochs: Count = 24
    batch: Count = 32
    learning_rate: Positive = 0.004
    weight_decay: float = 0.01
    dropout: Share = 0.2
    label_smoothing: Share = 0.1
    average: Share = 0.95
    whole: Share = 0.5
    dev_speakers: Count = 2
    patience: Count = 8
    refit: bool = True
    seed: int = 0


class AugmentTable(Table, frozen=True):
    """Of spectra: ``bands`` and ``frames`` masked at most (Park et al. 2019), ``gain_db`` of loudness."""

    bands: Annotated[int, msgspec.Meta(ge=0)] = 8
    frames: Annotated[int, msgspec.Meta(ge=0)] = 20
    gain_db: float = 0.0


class JointRecipe(Recipe, frozen=True, kw_only=True):
    """Everything that decides what a jointly trained system becomes, apart from the corpus.

    The first extractor is trained; what it is built with decides nothing else. Normalised by the stream are
    the inputs beside it: those of the first have no population before they are trained, and then one that
    moves with every step.
    """

    network: NetworkTable
    training: TrainingTable
    augment: AugmentTable = AugmentTable()

    @property
    def hearing(self) -> str:
        """The extractor that is trained."""
        return self.extractors[0].plugin


def joint_recipe(tables: dict[str, Any], where: str) -> JointRecipe:
    """The checked recipe of plugins' tables already split; raises ConfigError."""
    recipe = decode(tables, JointRecipe, where)
    heard = [table.plugin for table in recipe.extractors if table.plugin in HEARING]
    if heard != [recipe.hearing]:
        raise ConfigError(
            f"{where}: the first extractor is trained, and no other",
            got=", ".join(table.plugin for table in recipe.extractors),
            expected=f"one of {', '.join(HEARING)}, then others",
        )
    if recipe.classifier.plugin not in HEADS:
        raise ConfigError(
            f"{where}: '{recipe.classifier.plugin}' is no head of a network", expected=" or ".join(HEADS)
        )
    names = [table.name for table in recipe.extractors]
    if recipe.classifier.plugin == "softmax" and len(names) > 1:
        raise ConfigError(f"{where}: softmax has one input", got=", ".join(names), expected="fusion_mlp")
    unknown = sorted(set(recipe.network.branches) - set(names))
    if unknown:
        raise ConfigError(
            f"{where}: network.branches names no extractor", got=", ".join(unknown), expected=", ".join(names)
        )
    if recipe.normalise == "speaker" or (recipe.normalise == "stream" and len(names) == 1):
        raise ConfigError(
            f"{where}: a joint training normalises the inputs beside the one that is trained",
            got=f'normalise = "{recipe.normalise}" and extractors {", ".join(names)}',
            expected='"none", or "stream" and another extractor',
        )
    ours = msgspec.structs.fields(Normalisation) if recipe.normalise == "stream" else ()
    if set(recipe.select) - {field.name for field in ours} or recipe.classifier.options:
        raise ConfigError(
            f"{where}: a joint training selects by its development speakers alone",
            expected="no options of [classifier], no select but of [normalisation]",
        )
    return recipe

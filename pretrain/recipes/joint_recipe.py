"""A recipe of a joint training: a network that hears, trained together with the head over it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from stimmung.engine.config.schema import PluginTable
from stimmung.engine.config.toml import Count, NotNegative, Positive, Share, Table, decode
from stimmung.engine.errors import ConfigError
from stimmung.engine.registry import load

from .recipe import Normalisation, Recipe

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
    them too, from the start and for as long as was best. ``withheld``: for extractors beside the trained one
    the share of rows, drawn anew in every epoch, from which what they give is taken away.
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
    withheld: dict[str, Share] | UnsetType = UNSET


class AugmentTable(Table, frozen=True):
    """Of spectra: ``bands`` and ``frames`` masked at most (Park et al. 2019), ``gain_db`` of loudness."""

    bands: Annotated[int, msgspec.Meta(ge=0)] = 8
    frames: Annotated[int, msgspec.Meta(ge=0)] = 20
    gain_db: float = 0.0


class TranscriptTable(Table, frozen=True, kw_only=True):
    """Where sentences come from: a transcriber of any pipeline, for which windows wait ``wait_s``.

    Its options are those of a pipeline; "provided" takes the corpus' own transcripts.
    """

    transcriber: PluginTable
    wait_s: NotNegative = 2.0


class JointRecipe(Recipe, frozen=True, kw_only=True):
    """Everything that decides what a jointly trained system becomes, apart from the corpus.

    The first extractor is trained; what it is built with decides nothing else. Normalised by the stream are
    the inputs beside it: those of the first have no population before they are trained, and then one that
    moves with every step.
    """

    network: NetworkTable
    training: TrainingTable
    augment: AugmentTable = AugmentTable()
    transcript: TranscriptTable | UnsetType = UNSET

    @property
    def hearing(self) -> str:
        """The extractor that is trained."""
        return self.extractors[0].plugin

    @property
    def texts(self) -> list[str]:
        """The extractors of sentences."""
        given = [table for table in self.extractors[1:] if not table.foreign]
        return [table.name for table in given if hasattr(load("extractor", table.plugin), "encode")]

    @property
    def withheld(self) -> dict[str, float]:
        """The share of rows that training takes each extractor's features from, where it does."""
        return {} if self.training.withheld is UNSET else self.training.withheld


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
    heard_too = set(names[1:]) - set(recipe.texts)
    if recipe.normalise in ("speaker", "offset") or (recipe.normalise == "stream" and not heard_too):
        raise ConfigError(
            f"{where}: a joint training normalises the inputs beside the one that is trained",
            got=f'normalise = "{recipe.normalise}" and extractors {", ".join(names)}',
            expected='"none", or "stream" and another extractor of audio',
        )
    ours = msgspec.structs.fields(Normalisation) if recipe.normalise == "stream" else ()
    if set(recipe.select) - {field.name for field in ours} or recipe.classifier.options:
        raise ConfigError(
            f"{where}: a joint training selects by its development speakers alone",
            expected="no options of [classifier], no select but of [normalisation]",
        )
    _check_sentences(recipe, where)
    return recipe


def _check_sentences(recipe: JointRecipe, where: str) -> None:
    texts, given = recipe.texts, [table.name for table in recipe.extractors[1:]]
    if texts and recipe.transcript is UNSET:
        raise ConfigError(
            f"{where}: extractor '{texts[0]}' reads sentences, but this recipe has no transcript",
            remedy='add [transcript] plugin = "provided", or another transcriber',
        )
    if recipe.transcript is not UNSET and not texts:
        raise ConfigError(
            f"{where}: no extractor reads the sentences of [transcript]",
            got=", ".join(given) or "none beside the trained one",
            remedy='add [[extractors]] plugin = "bert", or remove [transcript]',
        )
    if texts and recipe.trim_s is not UNSET:
        raise ConfigError(
            f"{where}: transcripts tell the times of whole recordings",
            got=f"trim_s = {recipe.trim_s:g} and extractor '{texts[0]}', which reads sentences",
            remedy="remove trim_s",
        )
    unknown = sorted(set(recipe.withheld) - set(given))
    if unknown:
        raise ConfigError(
            f"{where}: training.withheld names no extractor beside the trained one",
            got=", ".join(unknown),
            expected=", ".join(given) or "none",
        )
    if any(recipe.withheld.values()) and recipe.network.missing == "refuse":
        raise ConfigError(
            f"{where}: a head that refuses what is incomplete is trained on it",
            got='training.withheld and network.missing = "refuse"',
            remedy='set missing = "average", or remove withheld',
        )

"""A training recipe, checked before anything is read or computed.

A recipe is TOML; unknown keys fail with the nearest known one. Its ``[[extractors]]`` are written as
in a pipeline; the options of ``[classifier]`` are those of the plugin's trainer.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from stimmung.engine.config.schema import ActivityTable, PluginTable, SegmentsTable
from stimmung.engine.config.toml import Count, NotNegative, Positive, Table

from ..corpora.corpus import Labels
from .sections import Augmentation, CorpusTable, Speed


class About(Table, frozen=True):
    """What the model's card says beyond what can be measured."""

    corpus: str
    citation: str
    corpus_licence: str
    licence: str
    intended_use: str
    limits: str


class Normalisation(Table, frozen=True):
    """How features are normalised by the stream, see :mod:`.stream_normalisation`.

    Where an offset is inferred, only ``orders`` counts.
    The training population counts for ``prior_s`` seconds of speech. Models are trained on features that are
    normalised by all of each ``speaker``, on what a ``stream`` of the speaker's recordings gives, or on
    ``both``: every row twice. Those tested are a stream each, in as many seeded ``orders`` as figures are
    averaged over.
    """

    prior_s: Positive = 10.0
    training: Literal["speaker", "stream", "both"] = "speaker"
    orders: Count = 5


class Extraction(Table, frozen=True, kw_only=True):
    """What is to be recognised, from which features, and how figures are come by.

    ``rate`` in Hz. ``target`` is the corpus' label column; ``columns`` gives a corpus.csv's own names for it
    and for the other columns that are read, ``aliases`` a corpus' own names for labels, and ``others`` says
    what becomes of recordings with any other label. ``windows_s`` are lengths of windows, cut every half
    length from the recordings and trained on beside the whole recordings; a recording must be as long as
    ``shortest_s``, in seconds. With ``trim_s`` recordings are heard from so many seconds before their first
    speech to as many after their last. With ``segments`` rows are neither recordings nor windows of them,
    but what a pipeline with these segments and this ``activity`` makes of a recording between pauses, such
    as its turns. ``corpora`` describes each of several corpora. ``select`` lists values of options to select
    from, in every fold anew: on its development speakers, or else on ``inner`` groups of its training
    speakers.
    """

    name: str
    target: str
    extractors: list[PluginTable]
    rate: Count = 16000
    windows_s: list[Positive] = msgspec.field(default_factory=list)
    shortest_s: Positive = 0.1
    trim_s: NotNegative | UnsetType = UNSET
    segments: SegmentsTable | UnsetType = UNSET
    activity: ActivityTable | UnsetType = UNSET
    corpora: list[CorpusTable] = msgspec.field(default_factory=list)
    normalise: Literal["none", "speaker", "stream", "offset"] = "none"
    normalisation: Normalisation = Normalisation()
    protocol: str = "loso"
    seed: int = 0
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    aliases: dict[str, str] = msgspec.field(default_factory=dict)
    others: Literal["refuse", "leave_out"] = "refuse"
    select: dict[str, Annotated[list[Any], msgspec.Meta(min_length=1)]] = msgspec.field(default_factory=dict)
    inner: Annotated[int, msgspec.Meta(ge=2)] = 4

    @property
    def by_stream(self) -> bool:
        """True where what is heard of a speaker first decides how the rest is heard."""
        return self.normalise in ("stream", "offset")


class Recipe(Extraction, frozen=True, kw_only=True):
    """Everything that decides what a trained model becomes, apart from the corpus.

    ``normalise``: "speaker" standardises features over all of each speaker's recordings, the tested
    ones included (without their labels); such a model can be evaluated, but cannot run live. "stream" does
    so by what has been heard of the speaker so far, "offset" infers the speaker's offset from it, both as a
    pipeline's classifier with that key.
    ``protocol`` gives the figures of the card. Recordings are trained on at other ``speeds`` too, as voices
    higher or lower than those recorded, or as copies that ``augmentation`` describes; none is tested so.
    """

    labels: Annotated[list[str], msgspec.Meta(min_length=2)]
    speeds: list[Speed] = msgspec.field(default_factory=list)
    augmentation: Augmentation | UnsetType = UNSET
    classifier: PluginTable
    about: About

    @property
    def wanted(self) -> Labels:
        """The labels to be read from a corpus."""
        return Labels(self.labels, self.aliases, self.others == "leave_out")


class ContinuousRecipe(Extraction, frozen=True, kw_only=True):
    """A target that is a number, such as valence from 1 to 5; evaluated only, as no model of it can run.

    ``range`` bounds what is predicted. ``alpha`` is the penalty of the ridge regression, and features are
    clipped at ``clip_sd`` standard deviations.
    """

    range: tuple[float, float]
    alpha: Positive = 1000.0
    clip_sd: Positive = 5.0

    @property
    def wanted(self) -> Labels:
        """Any number, unless it is to be left out."""
        return Labels((), self.aliases, self.others == "leave_out")

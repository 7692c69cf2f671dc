"""One training and what it makes of rows: features normalised as the recipe says, then the classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ConfigError
from stimmung.engine.models.statistics import Population
from stimmung.engine.types import Floats

from ..corpora.corpus import Corpus
from ..features.extraction import FeatureTable, joined
from ..features.stream_normalisation import TRAINING_ORDER, by_speaker, populations, streamed, with_evidence
from ..recipes.recipe import Normalisation, Recipe
from .contract import OffsetTrained, Trained
from .trainers import build_trainer, fit_speakers, of_speakers


@dataclass(frozen=True, slots=True)
class Fitted:
    """A trained classifier, and by what its inputs are normalised: nothing where ``settings`` is None.

    Without ``populations`` the speaker's offset is inferred beside them.
    """

    trained: Trained
    settings: Normalisation | None
    populations: list[Population | None]

    def tested(self, rows: FeatureTable, corpus: Corpus, speakers: Sequence[str]) -> list[FeatureTable]:
        """The rows of these speakers as the classifier is to see them, once for each order."""
        if self.settings is None:
            return [rows]
        orders = range(self.settings.orders)
        if isinstance(self.trained, OffsetTrained) and not self.populations:
            return [with_evidence(rows, corpus, speakers, self.trained.offset, seed) for seed in orders]
        return [streamed(rows, corpus, speakers, self.populations, seed) for seed in orders]


def orders_of(recipe: Recipe) -> int:
    """In how many orders each tested speaker's recordings are heard."""
    return recipe.normalisation.orders if recipe.by_stream else 1


def fit(
    recipe: Recipe, corpus: Corpus, rows: FeatureTable, options: Mapping[str, Any], speakers: Sequence[str]
) -> Fitted:
    """The recipe's classifier trained on these speakers; ``options`` are its own or of the normalisation."""
    ours = {field.name for field in msgspec.structs.fields(Normalisation)} & set(options)
    rest = {key: value for key, value in options.items() if key not in ours}
    every = joined([rows, *rows.copies])
    if not recipe.by_stream:
        trained = fit_speakers(build_trainer(recipe, options), every, corpus, speakers, recipe.corpora)
        return Fitted(trained, None, [])
    if len(rows.speech_s) != len(rows.item):
        raise ConfigError(
            f"recipe '{recipe.name}' cannot be normalised by the stream",
            got=f"corpus '{corpus.name}', in which no speech is heard",
        )
    settings = msgspec.convert(
        {**msgspec.to_builtins(recipe.normalisation), **{key: options[key] for key in ours}}, Normalisation
    )
    if recipe.normalise == "offset":
        trained = fit_speakers(build_trainer(recipe, rest), every, corpus, speakers, recipe.corpora)
        if not isinstance(trained, OffsetTrained):
            raise ConfigError(
                f"classifier '{recipe.classifier.plugin}' infers no speaker's offset",
                got='normalise = "offset"',
                expected='plugin = "linear" in [classifier]',
            )
        return Fitted(trained, settings, [])
    found = populations(rows, corpus, speakers, settings.prior_s)
    # At another speed a speaker is another voice, with means and a stream of its own.
    voices = [one.among(of_speakers(one, corpus, speakers)) for one in (rows, *rows.copies)]
    kinds = []
    if settings.training != "stream":
        kinds += [by_speaker(voice, corpus, speakers, found) for voice in voices]
    if settings.training != "speaker":
        kinds += [streamed(voice, corpus, speakers, found, TRAINING_ORDER) for voice in voices]
    trainer = build_trainer(recipe, rest)
    trained = fit_speakers(trainer, joined(kinds), corpus, speakers, recipe.corpora)
    return Fitted(trained, settings, found)


def probabilities(
    recipe: Recipe,
    corpus: Corpus,
    rows: FeatureTable,
    options: Mapping[str, Any],
    speakers: Sequence[str],
    asked: Sequence[str],
    tested: FeatureTable | None = None,
) -> tuple[npt.NDArray[np.bool_], Floats, dict[str, float]]:
    """(the rows of those asked, their (orders, n, labels) probabilities, what the trainer selected).

    They are asked about their rows in ``tested``, those trained on unless given.
    """
    fitted = fit(recipe, corpus, rows, options, speakers)
    return (*ask(recipe, corpus, tested or rows, fitted, asked), fitted.trained.chosen)


def ask(
    recipe: Recipe, corpus: Corpus, rows: FeatureTable, fitted: Fitted, asked: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """(the rows of those asked, their (orders, n, labels) probabilities)."""
    trained, chosen = fitted.trained, of_speakers(rows, corpus, asked)
    found = np.stack([trained.predict(each.of(chosen)) for each in fitted.tested(rows, corpus, asked)])
    result = np.zeros((*found.shape[:2], len(recipe.labels)), np.float32)
    result[..., [recipe.labels.index(label) for label in trained.labels]] = found
    return chosen, result

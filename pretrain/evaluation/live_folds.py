"""Models trained by fold, answering streams of the speakers they never heard as a pipeline would.

The streams' features come once from the engine; what follows per fold is what the pipeline does with them:
the normaliser over the stream in its order, then the classifier. So the answers equal those of a pipeline
with the trained model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import UNSET
from stimmung.engine.config.schema import PipelineConfig, load_description
from stimmung.engine.errors import ConfigError
from stimmung.engine.runtime.host import Host
from stimmung.engine.streaming.speaker.normaliser import Normaliser
from stimmung.engine.streaming.speaker.offset import InferredOffset
from stimmung.engine.types import Fault, Features, Floats

from ..corpora.corpus import Corpus, Item
from ..features.extraction import FeatureTable, Progress
from ..recipes.joint_recipe import JointRecipe
from ..recipes.recipe import Recipe
from ..statistics.metrics import Ints
from ..training.contract import OffsetTrained
from ..training.dataset import read_items
from ..training.fitting import Fitted
from .folds import Fold
from .live_answers import Answers, play_all
from .live_streams import Condition, Plan, audio, everyday, lengths, plans
from .shipped import PAUSE_S, Heard, by_corpus, figures_of


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How streams are made and cut: ``pause_s`` between recordings, and shares of ``neutral`` speech.

    Rate, voice activity, segments and the threshold of unsure are those of ``pipeline``, a shipped one's name
    or the path of a TOML file. ``jobs`` processes extract features.
    """

    pause_s: float = PAUSE_S
    neutral: Sequence[float] = ()
    pipeline: str = "default"
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class StreamFeatures:
    """The segments of one stream that hold speech: (n,) starts and stops in samples.

    ``features`` holds one (n, dim) matrix for each extractor; ``speech`` (n,) the samples of speech that
    each segment is the first to hold, of ``spoken`` in it; ``settled`` (n,) is False while a turn runs.
    ``faults``: segments that an extractor gave up.
    """

    starts: Ints
    stops: Ints
    features: list[Floats]
    speech: Ints
    spoken: Ints
    settled: npt.NDArray[np.bool_]
    faults: int

    def answers(self, fitted: Fitted, labels: Sequence[str], rate: int) -> Answers:
        """What a pipeline with this model would predict, in the order of ``labels``."""
        found = np.zeros((len(self.starts), len(labels)), np.float32)
        if len(found):
            inputs = self._inputs(fitted, rate)
            found[:, [labels.index(label) for label in fitted.trained.labels]] = fitted.trained.predict(
                inputs
            )
        return Answers(self.starts, self.stops, found, self.faults)

    def _inputs(self, fitted: Fitted, rate: int) -> list[Floats]:
        """The features as the classifier of a pipeline would see them."""
        if fitted.settings is None:
            return self.features
        segments, speech_s = range(len(self.starts)), self.speech / rate
        if isinstance(fitted.trained, OffsetTrained) and not fitted.populations:
            (matrix,), inferred = self.features, InferredOffset(fitted.trained.offset)
            weights = [min(1.0, self.speech[k] / self.spoken[k]) if self.spoken[k] else 0.0 for k in segments]
            evidence = [
                inferred.evidence(matrix[k], weights[k], bool(self.settled[k]), speech_s[k]) for k in segments
            ]
            return [matrix, np.stack(evidence)]
        found = []
        for matrix, population in zip(self.features, fitted.populations, strict=True):
            normaliser = None if population is None else Normaliser(population)
            found.append(
                matrix
                if normaliser is None
                else np.stack(
                    [normaliser.add(matrix[k], speech_s[k], bool(self.settled[k])) for k in segments]
                )
            )
        return found


class FeatureRunner:
    """Plays streams to a pipeline without classifiers and keeps its features; close it when done."""

    def __init__(self, description: PipelineConfig, target: str = "") -> None:
        self.host, self.target = Host(description), target

    def play(self, plan: Plan, items: Sequence[Item]) -> StreamFeatures:
        """The features of one stream."""
        description = self.host.description
        names, rate = [table.name for table in description.extractors], description.stream.rate
        found: dict[int, dict[str, Features]] = {}
        faults = 0
        for output in self.host.stream(plan.name, features=True).play(audio(plan, items, rate)):
            if isinstance(output, Features):
                found.setdefault(output.index, {})[output.extractor] = output
            faults += isinstance(output, Fault)
        whole = [found[index] for index in sorted(found) if len(found[index]) == len(names)]
        first = [next(iter(one.values())) for one in whole]
        dims = [self.host.bus.facts[name].dim for name in names]
        return StreamFeatures(
            np.array([one.span.start for one in first], np.int64),
            np.array([one.span.stop for one in first], np.int64),
            [
                np.array([one[name].values for one in whole], np.float32).reshape(-1, dim)
                for name, dim in zip(names, dims, strict=True)
            ],
            np.array([one.speech for one in first], np.int64),
            np.array([one.spoken for one in first], np.int64),
            np.array([one.settled for one in first], np.bool_),
            faults,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.host.close()


@dataclass
class LiveFolds:
    """The features of all tested speakers' streams, and what the models of the folds answer to them."""

    recipe: Recipe
    corpus: Corpus
    pipeline: str
    unsure_below: float
    streams: list[tuple[Condition, list[Plan], list[StreamFeatures]]]
    answers: dict[tuple[str, str], Answers] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        paths: Path | Sequence[Path],
        folds: Sequence[Fold],
        options: LiveOptions,
        progress: Progress,
    ) -> Self:
        """Extracts the features of the streams; recordings are not trimmed, as nothing live is.

        Raises ConfigError for a recipe whose models cannot run live.
        """
        description = _description(recipe, options)
        corpus = read_items(msgspec.structs.replace(recipe, trim_s=UNSET), paths)
        tested = {speaker for fold in folds for speaker in fold.test}
        own = Corpus(corpus.name, tuple(item for item in corpus.items if item.speaker in tested))
        asked = [Condition("live", options.pause_s)]
        asked += [everyday(share, options.pause_s) for share in options.neutral]
        rate, streams = description.stream.rate, []
        samples = lengths(own, rate, progress)
        with FeatureRunner(description) as runner:
            for condition in asked:
                planned = plans(own, samples, rate, condition)
                found = play_all(runner, own, planned, options.jobs, progress, f"streams, {condition.name}")
                streams.append((condition, planned, list(found)))
        return cls(recipe, own, options.pipeline, description.vote.unsure_below, streams)

    def answered(self, fitted: Fitted, speakers: Sequence[str]) -> dict[tuple[str, str], Answers]:
        """What a fold's model answers to the streams of these speakers, by condition and stream."""
        return {
            (condition.name, plan.name): features.answers(fitted, self.recipe.labels, self.recipe.rate)
            for condition, planned, found in self.streams
            for plan, features in zip(planned, found, strict=True)
            if plan.speaker in speakers
        }

    def report(
        self, corpus: Corpus, rows: FeatureTable, probabilities: Floats, tested: npt.NDArray[np.bool_]
    ) -> dict[str, Any]:
        """``plain``, of the tested rows in all orders of (orders, rows, labels), and ``live`` beside it."""
        labels, orders = self.recipe.labels, len(probabilities)
        items = [corpus.items[at] for at in rows.item[tested]] * orders
        plain = probabilities[:, tested].reshape(-1, len(labels)).astype(np.float64)
        found: dict[str, Any] = {
            "live_pipeline": self.pipeline,
            "unsure_below": self.unsure_below,
            "plain": {
                **figures_of(items, plain, labels, self.unsure_below, self.recipe.seed).figures(),
                **by_corpus(items, plain, labels, self.unsure_below),
            },
        }
        for condition, planned, _ in self.streams:
            answers = [self.answers[condition.name, plan.name] for plan in planned]
            heard = Heard.of(condition, self.corpus, planned, answers)
            own = [self.corpus.items[at] for at in heard.item]
            found[condition.name] = {
                **heard.report(labels, self.unsure_below),
                **by_corpus(own, heard.probabilities, labels, self.unsure_below),
            }
        return found


def _description(recipe: Recipe, options: LiveOptions) -> PipelineConfig:
    if isinstance(recipe, JointRecipe) or recipe.normalise == "speaker":
        raise ConfigError(
            f"recipe '{recipe.name}' cannot be evaluated live",
            got="an extractor that is trained by fold" if isinstance(recipe, JointRecipe) else "'speaker'",
            expected='given extractors, and normalise = "none", "stream" or "offset"',
            remedy="train a model and evaluate its pipeline: stimmung evaluate --model",
        )
    return msgspec.structs.replace(
        load_description(options.pipeline), extractors=recipe.extractors, classifiers=[], transcript=None
    )

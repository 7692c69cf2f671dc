"""The sentences beside each row of a joint training: those that the running pipeline would put there.

Each recording goes through a pipeline of the engine's, once for every length of segment, with the extractors
of sentences, the recipe's transcript, and a classifier of windows and sentences that notes what it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import msgspec
import numpy as np
from msgspec import UNSET
from stimmung.engine.audio.ingest import Intake
from stimmung.engine.config.schema import ClassifierTable, PipelineConfig, PluginTable
from stimmung.engine.errors import PluginError
from stimmung.engine.plugin import Input, TextExtractor
from stimmung.engine.registry import build
from stimmung.engine.streaming.pipeline import Pipeline
from stimmung.engine.streaming.stream import Stream
from stimmung.engine.transport.local_bus import LocalBus
from stimmung.engine.types import Chunk, Fault, Floats, Prediction, Segment, Span
from threadpoolctl import threadpool_limits

from ...corpora.corpus import Corpus, Item
from ...features.extraction import FeatureTable, descriptions
from ...recipes.joint_recipe import JointRecipe
from .transcripts import Transcripts

WINDOW, NOTES = "the window", "the notes"  # no names of plugins
PLACE = "place"
Said = dict[tuple[int, int], Sequence[Floats]]  # by a segment's start and stop


class Beside:
    """Puts the features of sentences beside the rows of a corpus' recordings; NaN where nothing was said.

    Raises ConfigError or ProtocolError where there is no transcript to be had.
    """

    def __init__(self, recipe: JointRecipe, corpus: Corpus) -> None:
        assert recipe.transcript is not UNSET
        self._recipe, table = recipe, recipe.transcript.transcriber
        self._transcripts = Transcripts(table, corpus, recipe.rate)
        read = [one for one in recipe.extractors if one.name in recipe.texts]
        self._bus = LocalBus(PipelineConfig(extractors=[]))
        for one in read:
            self._bus.add(one.name, Remembering(build("extractor", one.plugin, one.options)))
        facts = [self._bus.facts[one.name] for one in read]
        self._inputs = [Input(fact.name, fact.dim, fact.version) for fact in facts]
        self._notes = Notes(recipe.rate, (Input(WINDOW, 1), *self._inputs))
        self._bus.add(WINDOW, Window(recipe.rate))
        self._bus.add(NOTES, self._notes)
        asked = msgspec.structs.replace(
            recipe, extractors=[PluginTable(plugin=WINDOW, name=WINDOW), *read], normalise="none"
        )
        judge = ClassifierTable(plugin=NOTES, name=NOTES, wait_s=recipe.transcript.wait_s)
        self._descriptions = {
            size_s: msgspec.structs.replace(one, classifiers=[judge], transcript=table)
            for size_s, one in zip((0.0, *recipe.windows_s), descriptions(asked), strict=True)
        }
        self._rows: list[Sequence[Floats]] = []

    def hear(self, item: Item, audio: Floats, spans: Sequence[tuple[float, Span]]) -> None:
        """Takes the next recording, and the window's length, 0 for the whole, and the span of each row."""
        with threadpool_limits(1):  # as in a host: results must not depend on the machine's cores
            found = {size_s: self._heard(item, audio, size_s) for size_s in dict(spans)}
        self._rows += [found[size_s][span.start, span.stop] for size_s, span in spans]

    def joined(self, rows: FeatureTable) -> FeatureTable:
        """The rows of all recordings with these inputs too, in the order of the recipe."""
        known = {one.name: (one, matrix) for one, matrix in zip(rows.inputs, rows.features, strict=True)}
        for one, column in zip(self._inputs, zip(*self._rows, strict=True), strict=True):
            known[one.name] = one, np.stack(column)
        inputs, features = zip(*(known[table.name] for table in self._recipe.extractors), strict=True)
        texts = frozenset(one.name for one in self._inputs)
        return replace(rows, inputs=inputs, features=list(features), texts=texts)

    def _heard(self, item: Item, audio: Floats, size_s: float) -> Said:
        name, rate = str(item.file), self._recipe.rate
        self._notes.given.clear()
        transcriber = partial(self._transcripts.of, item)
        pipeline = Pipeline(name, self._descriptions[size_s], self._bus, None, transcriber)
        said: Said = {}
        intake = Intake(name, rate, keep_dc=True)  # of the audio it was removed already
        for output in Stream(intake, pipeline).play([Chunk(audio[:, np.newaxis], rate)]):
            if isinstance(output, Fault):
                raise PluginError(
                    f"the sentences of '{name}' are lost by '{output.plugin}'", got=output.error
                )
            if isinstance(output, Prediction):
                span = output.span
                said[span.start, span.stop] = self._notes.given[int(output.probabilities[PLACE])]
        return said


class Window:
    """An extractor of windows that tells nothing: without it the notes would be taken by the sentence."""

    name, version, dim = WINDOW, "1", 1

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def extract(self, segments: Sequence[Segment]) -> Floats:
        return np.zeros((len(segments), 1), np.float32)


class Notes:
    """A classifier that notes the sentences of each window, and answers with the place of the note."""

    name, target, labels, takes_missing = NOTES, NOTES, (PLACE,), True

    def __init__(self, rate: int, inputs: tuple[Input, ...]) -> None:
        self.rate, self.inputs = rate, inputs
        self.given: list[Sequence[Floats]] = []

    def predict(self, features: Sequence[Floats]) -> Floats:
        self.given.append([matrix[0] for matrix in features[1:]])
        return np.full((1, 1), len(self.given) - 1, np.float32)


class Remembering:
    """An extractor of sentences that reads none twice: windows of every length meet the same."""

    def __init__(self, extractor: TextExtractor) -> None:
        self._extractor, self._read = extractor, dict[str, Floats]()
        self.name, self.version, self.dim = extractor.name, extractor.version, extractor.dim

    def encode(self, sentences: Sequence[str]) -> Floats:
        for one in sentences:
            if one not in self._read:
                self._read[one] = self._extractor.encode([one])[0]
        return np.stack([self._read[one] for one in sentences])

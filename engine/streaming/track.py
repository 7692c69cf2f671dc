"""The segments of one clock, from extraction to the vote: windows of audio, or sentences of a transcript.

A stream has a track for each; a classifier of both is on that of the windows, which is told of the sentences
(:mod:`.text_join`). Calls to plugins come back in any order; what leaves is in the order in which the
segments of all tracks were cut; live, that order holds for each target alone, so that no classifier waits for
the plugins of another. A segment a plugin failed on, or that came too late, leaves as a fault and is counted
in the ledger; it never takes another segment with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..calls.bus import Answer
from ..calls.call import Call, Method
from ..calls.spec import PluginSpec
from ..config.schema import Normalise, VoteTable
from ..types import Fault, Features, Floats, Output, Prediction, Segment, Span
from .alignment import Alignment, Progress
from .descriptors import TOO_SHORT
from .ledger import Ledger
from .reorder import ReorderBuffer
from .speaker.normaliser import InputReorderBuffer, Mapping, Standardised
from .speaker.offset import InferredOffset
from .text_join import MISSING, TextJoin
from .vote import Vote

FEATURES = ""  # the part of a segment that is no classifier's
Submit = Callable[[Call, Callable[[Answer], None]], None]


@dataclass(frozen=True, slots=True)
class ClassifierBinding:
    """A classifier of a track.

    ``normalise``: its features are normalised by the stream (:mod:`.speaker.normaliser`), or its offset is
    inferred (:mod:`.speaker.offset`), or neither. ``texts`` are those of its inputs that the track does not
    extract, as they come from sentences, for which it waits ``wait_s``. ``offset`` has learnt already of
    whoever speaks; without it nothing is known at first.
    """

    facts: PluginSpec
    normalise: Normalise = "none"
    texts: Sequence[str] = ()
    wait_s: float = 0.0
    offset: InferredOffset | None = None


class Track:
    """Extraction, alignment, classification and vote of one kind of segment.

    ``submit`` hands a call to the bus; ``reorder`` takes the outputs; ``lag_ms`` tells the wall time since
    the sample before a position arrived. With ``features`` the features leave too, before predictions.
    ``by_turn``: segments that begin at the same sample are answers to the same turn.
    """

    def __init__(
        self,
        stream: str,
        extractors: Sequence[PluginSpec],
        bindings: Sequence[ClassifierBinding],
        vote: VoteTable,
        rate: int,
        *,
        ledger: Ledger,
        submit: Submit,
        reorder: ReorderBuffer,
        lag_ms: Callable[[int], float | None],
        features: bool,
        by_turn: bool = False,
    ) -> None:
        self.stream, self.segments = stream, 0
        self.extractors, self._classifiers = extractors, {one.facts.name: one.facts for one in bindings}
        self._ledger, self._submit, self._reorder, self._lag_ms = ledger, submit, reorder, lag_ms
        self._turn: dict[tuple[int, str], int] = {}
        self._speech: dict[int, int] = {}
        self._rate = rate
        self._normalised = {
            binding.facts.name: InputReorderBuffer(mapping)
            for binding in bindings
            if (mapping := _mapping(binding)) is not None
        }
        self._text_joins = {
            binding.facts.name: self._text_join(binding) for binding in bindings if binding.texts
        }
        self._features = features
        self._votes = {
            name: _vote(stream, facts, vote, rate, by_turn=by_turn)
            for name, facts in self._classifiers.items()
        }
        self._alignment = Alignment(
            [facts.name for facts in extractors],
            {
                binding.facts.name: [
                    one.name for one in binding.facts.inputs if one.name not in binding.texts
                ]
                for binding in bindings
            },
        )

    def _text_join(self, binding: ClassifierBinding) -> TextJoin:
        name = binding.facts.name

        def refuse(segment: Segment) -> None:
            self._alignment.settle(segment.index, name, MISSING)
            self._classify(segment, name, None)

        return TextJoin(
            binding.facts,
            binding.texts,
            round(binding.wait_s * self._rate),
            ledger=self._ledger,
            done=lambda segment, inputs: self._classify(segment, name, inputs),
            refuse=refuse,
        )

    def __len__(self) -> int:
        """Segments cut and not yet voted on."""
        return len(self._alignment)

    def cut(self, segment: Segment, *, silent: bool = False, speech: int = 0) -> None:
        """Takes the next segment; nothing is asked about a silent one.

        ``speech``: the samples of speech it is the first to hold.
        """
        self.segments += 1
        for part in (FEATURES, *self._classifiers):
            self._turn[segment.index, part] = self._reorder.take()
        self._speech[segment.index] = speech
        self._alignment.expect(segment, silent=silent)
        for name in self._classifiers:
            self._ledger.edge(f"vote {name}").receive()
        if not silent:
            for facts in self.extractors:
                self._ledger.edge(f"extract {facts.name}").receive()
            for normalised in self._normalised.values():
                normalised.expect(segment, speech / self._rate)
        for text_join in self._text_joins.values():
            text_join.cut(segment, silent=silent)
        self.release()

    def said(self, sentence: Segment) -> None:
        """A sentence of the other track has settled."""
        for text_join in self._text_joins.values():
            text_join.said(sentence)

    def read(self, sentence: Segment, extractor: str, answer: Answer) -> None:
        """An extractor's answer for a sentence of the other track."""
        for text_join in self._text_joins.values():
            text_join.read(sentence, extractor, answer)
        self.release()

    def heard(self, position: int | None) -> None:
        """All sentences settled in the audio up to ``position`` were told of; None: all there are."""
        for text_join in self._text_joins.values():
            text_join.heard(position)
        self.release()

    def ask(self, segment: Segment, facts: PluginSpec, call: Call) -> None:
        """Hands over the call that extracts the segment's features."""
        self._submit(call, partial(self.extracted, segment, facts.name))

    def extracted(self, segment: Segment, name: str, answer: Answer) -> None:
        """An extractor's answer for a segment."""
        edge = self._ledger.edge(f"extract {name}")
        if answer.values is None:
            edge.drop(answer.reason)
            if answer.reason != TOO_SHORT:
                self.fault(segment.span, name, answer)
            self._alignment.lose(segment.index, name, answer.reason)
            for classifier, facts in self._classifiers.items():
                if name in (needed.name for needed in facts.inputs):
                    self._complete(segment, classifier, None)
        else:
            edge.process()
            speech, settled = self._speech[segment.index], segment.settled
            features = Features(
                self.stream,
                segment.index,
                segment.span,
                name,
                answer.values,
                speech,
                spoken=round(segment.speech * segment.span.length),
                settled=settled,
            )
            for classifier, inputs in self._alignment.add(features):
                self._complete(segment, classifier, inputs)
        self.release()

    def fault(self, span: Span, plugin: str, answer: Answer) -> None:
        """Says that a plugin gave up a stretch of the stream."""
        self._reorder.interrupt(Fault(self.stream, span, plugin, answer.reason, answer.error))

    def release(self) -> None:
        """Votes on every segment that is complete and whose predecessors are."""
        for name, vote in self._votes.items():
            for progress in self._alignment.decided(name):
                lag_ms = self._lag_ms(progress.segment.span.stop)
                self._done(progress, name, [*self._vote_on(progress, name, vote, lag_ms)])
        for progress in self._alignment.release():
            del self._speech[progress.segment.index]
            features = [progress.features[name] for name in sorted(progress.features)]
            self._done(progress, FEATURES, [*features] if self._features else [])

    def _done(self, progress: Progress, part: str, outputs: list[Output]) -> None:
        self._reorder.done(self._turn.pop((progress.segment.index, part)), outputs)

    def _complete(self, segment: Segment, classifier: str, inputs: Sequence[Floats] | None) -> None:
        """All inputs of a classifier from this track are here, or one is lost."""
        if classifier in self._text_joins:
            self._text_joins[classifier].complete(segment, inputs)
        else:
            self._classify(segment, classifier, inputs)

    def _classify(self, segment: Segment, classifier: str, inputs: Sequence[Floats] | None) -> None:
        """All inputs of a classifier are here, or one is lost: predicts what can be predicted now."""
        if classifier in self._normalised:
            for ready, values in self._normalised[classifier].add(segment.index, inputs):
                self._predict(ready, classifier, values)
        elif inputs is not None:
            self._predict(segment, classifier, inputs)

    def _predict(self, segment: Segment, name: str, inputs: Sequence[Floats]) -> None:
        self._ledger.edge(f"predict {name}").receive()
        method: Method = "assess" if self._classifiers[name].distance else "predict"
        call = Call(name, method, tuple(values[np.newaxis] for values in inputs))
        self._submit(call, partial(self._predicted, segment, name))

    def _predicted(self, segment: Segment, name: str, answer: Answer) -> None:
        edge = self._ledger.edge(f"predict {name}")
        if answer.values is None:
            edge.drop(answer.reason)
            self.fault(segment.span, name, answer)
            self._alignment.settle(segment.index, name, answer.reason)
        else:
            edge.process()
            facts = self._classifiers[name]
            values = answer.values.tolist()
            distance = values.pop() if facts.distance else None
            probabilities = dict(zip(facts.labels, values, strict=True))
            prediction = Prediction(
                self.stream, segment.index, segment.span, facts.target, probabilities, distance
            )
            self._alignment.settle(segment.index, name, prediction)
        self.release()

    def _vote_on(
        self, progress: Progress, classifier: str, vote: Vote, lag_ms: float | None
    ) -> Iterator[Output]:
        edge = self._ledger.edge(f"vote {classifier}")
        outcome = None if progress.silent else progress.outcomes[classifier]
        if isinstance(outcome, str):
            edge.drop(outcome)
            return
        edge.process()
        if outcome is not None:
            yield outcome
        yield replace(vote.add(progress.segment.span, outcome), lag_ms=lag_ms)


def _mapping(binding: ClassifierBinding) -> Mapping | None:
    """What is made of the inputs of a classifier before it sees them."""
    if binding.normalise == "stream":
        return Standardised(binding.facts.population)
    if binding.normalise == "offset" and binding.facts.offset is not None:
        return binding.offset or InferredOffset(binding.facts.offset)
    return None


def _vote(stream: str, facts: PluginSpec, table: VoteTable, rate: int, *, by_turn: bool) -> Vote:
    return Vote(
        stream,
        facts.target,
        facts.labels,
        span=round(table.span_s * rate),
        margin=table.margin,
        unsure_below=table.unsure_below,
        unsure_beyond=table.unsure_beyond,
        by_turn=by_turn,
    )

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
from ..calls.call import Call
from ..calls.spec import Facts
from ..config.schema import Normalise, VoteTable
from ..types import Fault, Features, Floats, Output, Prediction, Segment, Span
from .alignment import Alignment, Progress
from .descriptors import TOO_SHORT
from .ledger import Ledger
from .reorder import Turns
from .speaker.normaliser import InOrder, Mapping, Standardised
from .speaker.offset import InferredOffset
from .text_join import MISSING, Mixed
from .vote import Vote

FEATURES = ""  # the part of a segment that is no classifier's
Submit = Callable[[Call, Callable[[Answer], None]], None]


@dataclass(frozen=True, slots=True)
class Judge:
    """A classifier of a track.

    ``normalise``: its features are normalised by the stream (:mod:`.speaker.normaliser`), or its offset is
    inferred (:mod:`.speaker.offset`), or neither. ``texts`` are those of its inputs that the track does not
    extract, as they come from sentences, for which it waits ``wait_s``. ``offset`` has learnt already of
    whoever speaks; without it nothing is known at first.
    """

    facts: Facts
    normalise: Normalise = "none"
    texts: Sequence[str] = ()
    wait_s: float = 0.0
    offset: InferredOffset | None = None


class Track:
    """Extraction, alignment, classification and vote of one kind of segment.

    ``submit`` hands a call to the bus; ``turns`` takes what leaves; ``lag_ms`` tells the wall time since
    the sample before a position arrived. With ``features`` the features leave too, before predictions.
    ``by_turn``: segments that begin at the same sample are answers to the same turn.
    """

    def __init__(
        self,
        stream: str,
        extractors: Sequence[Facts],
        judges: Sequence[Judge],
        vote: VoteTable,
        rate: int,
        *,
        ledger: Ledger,
        submit: Submit,
        turns: Turns,
        lag_ms: Callable[[int], float | None],
        features: bool,
        by_turn: bool = False,
    ) -> None:
        self.stream, self.segments = stream, 0
        self.extractors, self._classifiers = extractors, {one.facts.name: one.facts for one in judges}
        self._ledger, self._submit, self._turns, self._lag_ms = ledger, submit, turns, lag_ms
        self._turn: dict[tuple[int, str], int] = {}
        self._speech: dict[int, int] = {}
        self._rate = rate
        self._normalised = {
            judge.facts.name: InOrder(mapping) for judge in judges if (mapping := _mapping(judge)) is not None
        }
        self._mixed = {judge.facts.name: self._mix(judge) for judge in judges if judge.texts}
        self._features = features
        self._votes = {
            name: _vote(stream, facts, vote, rate, by_turn=by_turn)
            for name, facts in self._classifiers.items()
        }
        self._alignment = Alignment(
            [facts.name for facts in extractors],
            {
                judge.facts.name: [one.name for one in judge.facts.inputs if one.name not in judge.texts]
                for judge in judges
            },
        )

    def _mix(self, judge: Judge) -> Mixed:
        name = judge.facts.name

        def refuse(segment: Segment) -> None:
            self._alignment.settle(segment.index, name, MISSING)
            self._judge(segment, name, None)

        return Mixed(
            judge.facts,
            judge.texts,
            round(judge.wait_s * self._rate),
            ledger=self._ledger,
            done=lambda segment, inputs: self._judge(segment, name, inputs),
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
            self._turn[segment.index, part] = self._turns.take()
        self._speech[segment.index] = speech
        self._alignment.expect(segment, silent=silent)
        for name in self._classifiers:
            self._ledger.edge(f"vote {name}").receive()
        if not silent:
            for facts in self.extractors:
                self._ledger.edge(f"extract {facts.name}").receive()
            for normalised in self._normalised.values():
                normalised.expect(segment, speech / self._rate)
        for mixed in self._mixed.values():
            mixed.cut(segment, silent=silent)
        self.release()

    def said(self, sentence: Segment) -> None:
        """A sentence of the other track has settled."""
        for mixed in self._mixed.values():
            mixed.said(sentence)

    def read(self, sentence: Segment, extractor: str, answer: Answer) -> None:
        """An extractor's answer for a sentence of the other track."""
        for mixed in self._mixed.values():
            mixed.read(sentence, extractor, answer)
        self.release()

    def heard(self, position: int | None) -> None:
        """All sentences settled in the audio up to ``position`` were told of; None: all there are."""
        for mixed in self._mixed.values():
            mixed.heard(position)
        self.release()

    def ask(self, segment: Segment, facts: Facts, call: Call) -> None:
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
        self._turns.interrupt(Fault(self.stream, span, plugin, answer.reason, answer.error))

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
        self._turns.done(self._turn.pop((progress.segment.index, part)), outputs)

    def _complete(self, segment: Segment, classifier: str, inputs: Sequence[Floats] | None) -> None:
        """All inputs of a classifier from this track are here, or one is lost."""
        if classifier in self._mixed:
            self._mixed[classifier].complete(segment, inputs)
        else:
            self._judge(segment, classifier, inputs)

    def _judge(self, segment: Segment, classifier: str, inputs: Sequence[Floats] | None) -> None:
        """All inputs of a classifier are here, or one is lost: predicts what can be predicted now."""
        if classifier in self._normalised:
            for ready, values in self._normalised[classifier].add(segment.index, inputs):
                self._predict(ready, classifier, values)
        elif inputs is not None:
            self._predict(segment, classifier, inputs)

    def _predict(self, segment: Segment, name: str, inputs: Sequence[Floats]) -> None:
        self._ledger.edge(f"predict {name}").receive()
        call = Call(name, "predict", tuple(values[np.newaxis] for values in inputs))
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
            probabilities = dict(zip(facts.labels, answer.values.tolist(), strict=True))
            prediction = Prediction(self.stream, segment.index, segment.span, facts.target, probabilities)
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


def _mapping(judge: Judge) -> Mapping | None:
    """What is made of the inputs of a classifier before it sees them."""
    if judge.normalise == "stream":
        return Standardised(judge.facts.population)
    if judge.normalise == "offset" and judge.facts.offset is not None:
        return judge.offset or InferredOffset(judge.facts.offset)
    return None


def _vote(stream: str, facts: Facts, table: VoteTable, rate: int, *, by_turn: bool) -> Vote:
    return Vote(
        stream,
        facts.target,
        facts.labels,
        span=round(table.span_s * rate),
        margin=table.margin,
        unsure_below=table.unsure_below,
        by_turn=by_turn,
    )

"""★ Start here: one stream, wired stage by stage.

    frames → blocks ─┬→ describe (once) → rows ─┐
                     └→ segments ───────────────┴→ summarise → align → predict → vote → states

:meth:`Pipeline.push` takes audio of any size; :meth:`Pipeline.finish` ends the stream. Both return
what has become final, and :meth:`Pipeline.pump` what has since. Calls to plugins go over a bus and
come back in any order; everything that leaves is in the order of the segments. A segment a plugin
failed on, or that came too late, leaves as a fault and is counted in the ledger; it is never lost
silently, and never takes another segment with it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from .align import Alignment, Progress
from .bus import Answer, Bus
from .call import Call, Facts
from .config import Description
from .errors import InputError
from .ledger import Ledger
from .region import DetectorFactory, Region
from .types import AudioFrame, Fault, Features, Output, Prediction, Segment, Span
from .vote import Vote


class Pipeline:
    """One stream through all stages. ``bus`` is shared with other streams; ``clock`` gives wall seconds.

    With ``features`` the features of every segment leave too, before its predictions. ``segments``
    counts those cut so far.
    """

    def __init__(
        self,
        stream: str,
        description: Description,
        bus: Bus,
        detector: DetectorFactory | None = None,
        *,
        features: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stream, self.description, self.ledger = stream, description, Ledger()
        self.segments = 0
        self._bus, self._detector, self._clock = bus, detector, clock
        self._emit_features = features
        self._extractors = [bus.facts[table.name] for table in description.extractors]
        self._classifiers = [bus.facts[table.name] for table in description.classifiers]
        self._votes = {facts.name: self._vote(facts) for facts in self._classifiers}
        self._alignment = Alignment(
            [facts.name for facts in self._extractors],
            {facts.name: [needed.name for needed in facts.inputs] for facts in self._classifiers},
        )
        self._region: Region | None = None
        self._waiting: dict[str, deque[tuple[Region, Segment]]] = {
            facts.name: deque() for facts in self._extractors if facts.kind == "frame_extractor"
        }
        self._calls = 0
        self._outputs: list[Output] = []
        self._arrivals: deque[tuple[int, float]] = deque()

    def push(self, frame: AudioFrame) -> list[Output]:
        """Takes the next audio; a frame that begins later than the last one ended leaves a gap."""
        if frame.span.rate != self.description.stream.rate:
            raise InputError(
                f"stream '{self.stream}' has a wrong rate",
                got=f"{frame.span.rate} Hz",
                expected=f"{self.description.stream.rate} Hz",
                remedy="resample it on intake",
            )
        region = self._continue_at(frame.span.start)
        self.ledger.edge("audio", "samples").receive(len(frame.samples))
        self._arrivals.append((frame.span.stop, self._clock()))
        region.append(frame.samples)
        for end, spans in region.blocks():
            self._block(region, end, spans)
        return self.pump()

    def finish(self) -> list[Output]:
        """Ends the stream: cuts its tail and waits for every answer still due."""
        self._end_region()
        while self._calls:
            self._bus.pump(0.1)
        return self._drain()

    def pump(self, timeout_s: float = 0.0) -> list[Output]:
        """What has become final since, after waiting for at most ``timeout_s``."""
        if self._calls:
            self._bus.pump(timeout_s)
        return self._drain()

    @property
    def in_flight(self) -> int:
        """Segments cut and not yet voted on."""
        return len(self._alignment)

    # Audio → blocks → segments.

    def _continue_at(self, start: int) -> Region:
        region = self._region
        if region is not None and start < region.stop:
            raise InputError(
                f"stream '{self.stream}' runs backwards",
                got=f"a frame at sample {start}",
                expected=f"sample {region.stop} or later",
            )
        if region is None or start > region.stop:
            self._end_region()
            detector = self._detector() if self._detector is not None else None
            region = self._region = Region(start, self.description, self._extractors, detector)
        return region

    def _end_region(self) -> None:
        region, self._region = self._region, None
        if region is not None:
            self._block(region, *region.tail())
            audio = self.ledger.edge("audio", "samples")
            audio.drop("too_short", audio.in_flight)

    def _block(self, region: Region, end: int, spans: list[Span]) -> None:
        for name in self._waiting:
            claimed = region.claim(name, end)
            if claimed is not None:
                self.ledger.edge(f"describe {name}", "blocks").receive()
                call = Call(name, "describe", (region.audio(*claimed),))
                self._submit(call, partial(self._described, region, name, claimed))
        for span in spans:
            self._cut(region, span)
        oldest = [queue[0][1].span.start for queue in self._waiting.values() if queue]
        region.forget(min(oldest, default=None))

    def _cut(self, region: Region, span: Span) -> None:
        samples = region.segment_audio(span)
        segment = Segment(self.stream, self.segments, span, samples, region.speech(span))
        self.segments += 1
        self.ledger.edge("audio", "samples").process(region.cover(span))
        activity = self.description.activity
        silent = activity is not None and segment.speech < activity.min_speech
        self._alignment.expect(segment, silent=silent)
        for facts in self._classifiers:
            self.ledger.edge(f"vote {facts.name}").receive()
        if silent:
            self._release()
            return
        for facts in self._extractors:
            self.ledger.edge(f"extract {facts.name}").receive()
            if facts.kind == "frame_extractor":
                self._waiting[facts.name].append((region, segment))
                self._summarise(facts.name)
            else:
                self._submit(
                    Call(facts.name, "extract", segment=segment),
                    partial(self._extracted, segment, facts.name),
                )

    # Calls and their answers.

    def _submit(self, call: Call, then: Callable[[Answer], None]) -> None:
        self._calls += 1
        self._bus.submit(call, partial(self._answered, then))

    def _answered(self, then: Callable[[Answer], None], answer: Answer) -> None:
        self._calls -= 1
        then(answer)

    def _described(self, region: Region, name: str, claimed: tuple[int, int], answer: Answer) -> None:
        edge = self.ledger.edge(f"describe {name}", "blocks")
        if answer.values is None:
            edge.drop(answer.reason)
            self._fault(Span(*claimed, self.description.stream.rate), name, answer)
        else:
            edge.process()
        region.rows[name].add(*claimed, answer.values, answer.block)
        self._summarise(name)

    def _summarise(self, name: str) -> None:
        """Asks for the functionals of every waiting segment whose rows are all here."""
        queue = self._waiting[name]
        while queue and queue[0][0].rows[name].ready(queue[0][1].span.stop):
            region, segment = queue.popleft()
            parts = region.rows[name].take(segment.span.start, segment.span.stop)
            then = partial(self._extracted, segment, name)
            if parts is None:
                then(Answer(None, "rows_lost", f"rows of extractor '{name}' are missing"))
            else:
                self._submit(Call(name, "summarise", parts=parts), then)

    def _extracted(self, segment: Segment, name: str, answer: Answer) -> None:
        edge = self.ledger.edge(f"extract {name}")
        if answer.values is None:
            edge.drop(answer.reason)
            self._fault(segment.span, name, answer)
            self._alignment.lose(segment.index, name, answer.reason)
        else:
            edge.process()
            features = Features(self.stream, segment.index, segment.span, name, answer.values)
            for classifier, inputs in self._alignment.add(features):
                self.ledger.edge(f"predict {classifier}").receive()
                call = Call(classifier, "predict", tuple(values[np.newaxis] for values in inputs))
                self._submit(call, partial(self._predicted, segment, classifier))
        self._release()

    def _predicted(self, segment: Segment, name: str, answer: Answer) -> None:
        edge = self.ledger.edge(f"predict {name}")
        if answer.values is None:
            edge.drop(answer.reason)
            self._fault(segment.span, name, answer)
            self._alignment.settle(segment.index, name, answer.reason)
        else:
            edge.process()
            facts = self._bus.facts[name]
            probabilities = dict(zip(facts.labels, answer.values.tolist(), strict=True))
            prediction = Prediction(self.stream, segment.index, segment.span, facts.target, probabilities)
            self._alignment.settle(segment.index, name, prediction)
        self._release()

    # In order again: votes and outputs.

    def _release(self) -> None:
        for progress in self._alignment.release():
            lag_ms = self._lag_ms(progress.segment.span.stop)
            if self._emit_features:
                self._outputs.extend(progress.features[name] for name in sorted(progress.features))
            for classifier, vote in self._votes.items():
                self._vote_on(progress, classifier, vote, lag_ms)

    def _vote_on(self, progress: Progress, classifier: str, vote: Vote, lag_ms: float | None) -> None:
        edge = self.ledger.edge(f"vote {classifier}")
        outcome = None if progress.silent else progress.outcomes[classifier]
        if isinstance(outcome, str):
            edge.drop(outcome)
            return
        edge.process()
        if outcome is not None:
            self._outputs.append(outcome)
        self._outputs.append(replace(vote.add(progress.segment.span, outcome), lag_ms=lag_ms))

    def _lag_ms(self, position: int) -> float | None:
        """Wall time since the sample before ``position`` arrived."""
        while self._arrivals and self._arrivals[0][0] < position:
            self._arrivals.popleft()
        return 1000 * (self._clock() - self._arrivals[0][1]) if self._arrivals else None

    def _fault(self, span: Span, plugin: str, answer: Answer) -> None:
        self._outputs.append(Fault(self.stream, span, plugin, answer.reason, answer.error))

    def _drain(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def _vote(self, facts: Facts) -> Vote:
        table = self.description.vote
        span = round(table.span_s * self.description.stream.rate)
        return Vote(
            self.stream,
            facts.target,
            facts.labels,
            span=span,
            margin=table.margin,
            unsure_below=table.unsure_below,
        )

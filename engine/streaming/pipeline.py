"""★ Start here: one stream, wired stage by stage.

    frames → blocks ─┬→ describe (once) → rows ─┐
                     ├→ windows ────────────────┴→ summarise → align → predict → vote → states
                     └→ transcriber → sentences → encode ─┬──→ align → predict → vote → states
                                                          └→ to windows, for classifiers of both

:meth:`Pipeline.push` takes audio of any size and returns what has become final, :meth:`Pipeline.pump`
what has since. :meth:`Pipeline.end` cuts the tail, and the stream is pumped until it is over. From
extraction on, windows and sentences are each on a track of their own (:mod:`.track`): each has its clock,
its order and its votes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from ..audio.turns import Cut
from ..calls.bus import Answer, Bus
from ..calls.call import Call
from ..calls.instances import LocalInstance, RemoteInstance
from ..calls.pending import Calls
from ..calls.spec import PluginSpec
from ..config.schema import PipelineConfig, PluginTable
from ..errors import InputError
from ..plugin import Detector, Transcriber
from ..types import AudioFrame, Floats, Output, Segment, Span
from .circuit_breaker import CircuitBreaker
from .descriptors import TOO_SHORT, Summaries
from .latency import LatencyTracker
from .ledger import Ledger
from .observer import Observer
from .reorder import ReorderBuffer
from .speaker.offset import InferredOffset
from .stretch import Stretch
from .track import ClassifierBinding, Track
from .transcription import Transcription
from .validation import texts_of

NOTHING_PRECOMPUTED: Mapping[str, PrecomputedFeatures] = {}
NOTHING_LEARNT: Mapping[str, InferredOffset] = {}
NOBODY = Observer()

# The features of a recording by the segments' start and stop.
PrecomputedFeatures = Mapping[tuple[int, int], Floats]


class Pipeline:
    """One stream through all stages. ``bus`` is shared with other streams; ``clock`` gives wall seconds.

    With ``features`` the features of every segment leave too, before its predictions. The extractors in
    ``known`` are never asked: their features of each segment are there already. ``observer`` is told what
    is heard, detected and said. ``live``: no target waits for another, nor the audio for its transcriber.
    A detector and a transcriber are built here, or are instances elsewhere. ``offsets``, by classifier, have
    learnt of the speaker already and go on learning; those of other classifiers begin with the stream.
    """

    def __init__(
        self,
        stream: str,
        description: PipelineConfig,
        bus: Bus,
        detector: Callable[[], Detector] | RemoteInstance | None = None,
        transcriber: Callable[[], Transcriber] | RemoteInstance | None = None,
        *,
        features: bool = False,
        known: Mapping[str, PrecomputedFeatures] = NOTHING_PRECOMPUTED,
        observer: Observer = NOBODY,
        live: bool = False,
        offsets: Mapping[str, InferredOffset] = NOTHING_LEARNT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stream, self.description, self.ledger = stream, description, Ledger()
        self._bus, self._calls = bus, Calls(bus)
        self._extractors = [bus.facts[table.name] for table in description.extractors]
        self._known, self._observer, self._offsets = known, observer, offsets
        self._asked = [facts for facts in self._extractors if facts.name not in known]
        self._stretches: deque[Stretch] = deque()  # all but the last have ended
        self._live = live
        self._reorder = ReorderBuffer(live=live)
        self._latency = LatencyTracker(clock)
        self._audio, self._text = self._track(features, text=False), self._track(features, text=True)
        self._summaries = {
            facts.name: self._summarised(facts) for facts in self._asked if facts.kind == "frame_extractor"
        }
        listens = description.activity.detector if description.activity is not None else None
        self._detector = self._breaker("detect", listens, detector)
        hears = self._breaker("transcribe", description.transcript, transcriber)
        self._transcription = self._transcribed_by(hears) if hears is not None else None
        self._breakers = [breaker for breaker in (self._detector, hears) if breaker is not None]
        self._held = self._ending = self._ended = False

    def _track(self, features: bool, *, text: bool) -> Track:
        extractors = [facts for facts in self._extractors if (facts.kind == "text_extractor") == text]
        return Track(
            self.stream,
            extractors,
            [*self._bindings(text=text)],
            self.description.vote,
            self.description.stream.rate,
            ledger=self.ledger,
            submit=self._calls.submit,
            reorder=self._reorder,
            lag_ms=self._latency.lag_ms,
            features=features,
            by_turn=self.description.segments.kind == "turns" and not text,
        )

    def _summarised(self, facts: PluginSpec) -> Summaries:
        return Summaries(
            facts,
            every_end=self.description.segments.kind != "windows",
            ledger=self.ledger,
            submit=self._calls.submit,
            extracted=self._audio.extracted,
            fault=self._audio.fault,
        )

    def _bindings(self, *, text: bool) -> Iterator[ClassifierBinding]:
        """The classifiers of sentences alone, or those that read windows."""
        for table in self.description.classifiers:
            facts = self._bus.facts[table.name]
            texts = texts_of(facts, self._bus.facts)
            if (len(texts) == len(facts.inputs)) == text:
                words = () if text else texts
                yield ClassifierBinding(
                    facts, table.normalise, words, table.wait_s, self._offsets.get(table.name)
                )

    def _breaker(
        self, stage: str, table: PluginTable | None, instance: Callable[[], object] | RemoteInstance | None
    ) -> CircuitBreaker | None:
        if table is None or instance is None:
            return None
        what = f"plugin '{table.plugin}'"

        def tell(span: Span, reason: str, error: str) -> None:
            self._audio.fault(span, table.plugin, Answer(None, reason, error))

        taken = instance if isinstance(instance, RemoteInstance) else LocalInstance(what, instance)
        return CircuitBreaker(what, taken, self._calls, self.ledger.edge(stage, "blocks"), tell)

    def _transcribed_by(self, transcriber: CircuitBreaker) -> Transcription:
        return Transcription(
            transcriber,
            self.description.stream.rate,
            audio=self._audio,
            text=self._text,
            calls=self._calls,
            observer=self._observer,
        )

    def push(self, frame: AudioFrame) -> list[Output]:
        """Takes the next audio; a frame that begins later than the last one ended leaves a gap."""
        self._take(frame)
        for breaker in self._breakers:
            breaker.check()
        return self.pump()

    def end(self, frames: Iterable[AudioFrame]) -> None:
        """Ends the stream with its last frames; what comes of the tail is pumped until it is :attr:`over`."""
        for frame in frames:
            self._take(frame)
        self._ending = True
        self._end_stretch()
        self._wind_up()

    @property
    def over(self) -> bool:
        """True when the stream was ended, and nothing is due or left to be pumped."""
        return self._ended and not self._calls and not self._reorder.waiting

    def give_up_at(self, until_s: float) -> None:
        """What is due at that time, by ``time.monotonic``, is given up as late."""
        self._calls.give_up_at(until_s)

    def close(self) -> None:
        """Lets go of its instances; raises InputError when the input was found unfit."""
        for breaker in self._breakers:
            breaker.leave()
        for breaker in self._breakers:
            breaker.check()

    def pump(self, timeout_s: float = 0.0) -> list[Output]:
        """What has become final since, after waiting for at most ``timeout_s``."""
        if self._calls:
            self._calls.turn(timeout_s)
        if self._held:
            self._go_on()
        if self._ending:
            self._wind_up()
        return self._reorder.drain()

    @property
    def in_flight(self) -> int:
        """Segments cut and not yet voted on."""
        return len(self._audio) + len(self._text)

    @property
    def segments(self) -> int:
        """Windows of audio cut so far."""
        return self._audio.segments

    # Audio → blocks → segments.

    def _take(self, frame: AudioFrame) -> None:
        if frame.span.rate != self.description.stream.rate:
            raise InputError(
                f"stream '{self.stream}' has a wrong rate",
                got=f"{frame.span.rate} Hz",
                expected=f"{self.description.stream.rate} Hz",
                remedy="resample it on intake",
            )
        self._observer.on_audio(frame)
        stretch = self._continue_at(frame.span.start)
        self.ledger.edge("audio", "samples").receive(len(frame.samples))
        self._latency.add(frame.span.stop)
        stretch.append(frame.samples)
        self._go_on()

    def _continue_at(self, start: int) -> Stretch:
        stretch = self._stretches[-1] if self._stretches else None
        if stretch is not None and start < stretch.stop:
            raise InputError(
                f"stream '{self.stream}' runs backwards",
                got=f"a frame at sample {start}",
                expected=f"sample {stretch.stop} or later",
            )
        if stretch is None or start > stretch.stop:
            self._end_stretch()
            tell = partial(self._observer.on_vad, self.stream)
            stretch = Stretch(start, self.description, self._asked, self._detector, tell)
            self._stretches.append(stretch)
        return stretch

    def _end_stretch(self) -> None:
        if self._stretches:
            self._stretches[-1].closed = True
            self._go_on()

    def _wind_up(self) -> None:
        """Asks the transcriber what is left, once it was asked about all before."""
        if self._stretches or self._ended:
            return
        self._ended = True
        if self._transcription is not None:
            self._transcription.finish()

    def _go_on(self) -> None:
        """Deals with every block whose voice activity is known; waits for all of it unless live."""
        while self._stretches:
            stretch = self._stretches[0]
            for end, cuts in stretch.blocks():
                self._block(stretch, end, cuts)
            tail = stretch.tail() if stretch.closed else None
            if tail is not None:
                self._block(stretch, *tail)
                self.ledger.edge("audio", "samples").drop("too_short", stretch.uncovered)
                self._stretches.popleft()
            elif not stretch.waiting or self._live:
                break
            else:
                self._calls.turn(0.1)
        self._held = bool(self._stretches) and self._stretches[0].waiting

    def _block(self, stretch: Stretch, end: int, cuts: list[Cut]) -> None:
        start = stretch.hear(end)
        if self._transcription is not None and start < end:
            span = Span(start, end, self.description.stream.rate)
            self._transcription.hear(span, stretch.audio(start, end))
            while self._transcription.waiting and not self._live:
                self._calls.turn(0.1)
        if not stretch.by_turn:
            self._describe(stretch, stretch.start, end)
        for cut in cuts:
            self._cut(stretch, cut)
        oldest = [one.needs_from for one in self._summaries.values() if one.needs_from is not None]
        stretch.forget(min(oldest, default=None))

    def _describe(self, stretch: Stretch, origin: int, end: int) -> None:
        for name, summaries in self._summaries.items():
            summaries.describe(stretch.rows(origin)[name], stretch.audio, end)

    def _cut(self, stretch: Stretch, cut: Cut) -> None:
        span, audio = cut.span, self.ledger.edge("audio", "samples")
        if cut.too_short:
            audio.process(stretch.cover(Span(span.start, span.start, span.rate)))
            audio.drop("too_short", stretch.cover(span))
            return
        audio.process(stretch.cover(span))
        samples, share = stretch.segment_audio(span), stretch.speech(span)
        segment = Segment(self.stream, self._audio.segments, span, samples, share, settled=cut.settled)
        activity = self.description.activity
        silent = cut.silent or (activity is not None and share < activity.min_speech)
        speech = 0 if silent else stretch.new_speech(span, settled=cut.settled)
        self._audio.cut(segment, silent=silent, speech=speech)
        if not cut.silent:  # rows of a turn are described in their order, whatever is made of them
            self._describe(stretch, cut.origin, span.stop)
        if not silent:
            self._extract(stretch, cut.origin, segment)

    def _extract(self, stretch: Stretch, origin: int, segment: Segment) -> None:
        span = segment.span
        for facts in self._audio.extractors:
            if facts.name in self._known:
                values = self._known[facts.name].get((span.start, span.stop))
                self._audio.extracted(
                    segment, facts.name, Answer(values, "" if values is not None else TOO_SHORT)
                )
            elif facts.kind == "frame_extractor":
                self._summaries[facts.name].cut(stretch.rows(origin)[facts.name], stretch.audio, segment)
            else:
                self._audio.ask(segment, facts, Call(facts.name, "extract", segment=segment))

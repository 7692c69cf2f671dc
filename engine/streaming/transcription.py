"""What a stream's transcriber is asked, and where its sentences go: their own track, and beside windows."""

from __future__ import annotations

from functools import partial

from ..calls.bus import Answer
from ..calls.call import Call
from ..calls.pending import Calls
from ..calls.stateful import NO_AUDIO, Question, Told
from ..types import Floats, Segment, Span
from .circuit_breaker import Guarded
from .observer import Observer
from .track import Track


class Transcription:
    """Hears a stream at ``rate`` Hz block by block; each sentence that settles goes on at once.

    Sentences are segments of the track ``text``; ``audio``, that of the windows, is told of them and of how
    far the transcriber has heard.
    """

    def __init__(
        self,
        transcriber: Guarded,
        rate: int,
        *,
        audio: Track,
        text: Track,
        calls: Calls,
        observer: Observer,
    ) -> None:
        self._transcriber, self._audio, self._text = transcriber, audio, text
        self._calls, self._observer = calls, observer
        self._heard = Span(0, 0, rate)

    @property
    def waiting(self) -> bool:
        """True while the transcriber has not answered everything."""
        return self._transcriber.waiting > 0

    def hear(self, span: Span, samples: Floats) -> None:
        """Asks about the next samples."""
        self._heard = span
        self._transcriber.ask(Question("hear", span, samples), partial(self._understood, span.stop))

    def finish(self) -> None:
        """Asks what is left: the stream has ended."""
        self._transcriber.ask(Question("finish", self._heard), partial(self._understood, None))

    def _understood(self, heard: int | None, told: Told | None) -> None:
        """The answer to the audio up to ``heard``, or to its end; None where it is lost."""
        if told is not None:
            self._said(told)
        self._audio.heard(heard)

    def _said(self, told: Told) -> None:
        stream = self._text.stream
        if told.words is not None:
            self._observer.understood(stream, told.words)
        for said in told.sentences:
            if said.stop <= self._transcriber.since:  # a fresh instance tells what its predecessor had told
                continue
            self._observer.said(stream, said)
            span = Span(said.start, said.stop, self._heard.rate)
            segment = Segment(stream, self._text.segments, span, NO_AUDIO, text=said.text)
            self._text.cut(segment, speech=span.length)
            self._audio.said(segment)
            for facts in self._text.extractors:
                call = Call(facts.name, "encode", segment=segment)
                self._calls.submit(call, partial(self._encoded, segment, facts.name))

    def _encoded(self, segment: Segment, name: str, answer: Answer) -> None:
        self._text.extracted(segment, name, answer)
        self._audio.read(segment, name, answer)

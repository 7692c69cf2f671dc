"""What a stream's transcriber is asked, and where its sentences go: their own track, and beside windows."""

from __future__ import annotations

from functools import partial

from ..calls.bus import Answer
from ..calls.call import Call
from ..calls.pending import Calls
from ..calls.stateful import NO_AUDIO, Request, Response
from ..types import Floats, Segment, Span
from .circuit_breaker import CircuitBreaker
from .observer import Observer
from .track import Track


class Transcription:
    """Hears a stream at ``rate`` Hz block by block; each sentence that settles goes on at once.

    Sentences are segments of the track ``text``; ``audio``, that of the windows, is told of them and of how
    far the transcriber has heard.
    """

    def __init__(
        self,
        transcriber: CircuitBreaker,
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
        self._transcriber.ask(Request("hear", span, samples), partial(self._understood, span.stop))

    def finish(self) -> None:
        """Asks what is left: the stream has ended."""
        self._transcriber.ask(Request("finish", self._heard), partial(self._understood, None))

    def _understood(self, heard: int | None, response: Response | None) -> None:
        """The answer to the audio up to ``heard``, or to its end; None where it is lost."""
        if response is not None:
            self._said(response)
        self._audio.heard(heard)

    def _said(self, response: Response) -> None:
        stream = self._text.stream
        if response.words is not None:
            self._observer.on_words(stream, response.words)
        for said in response.sentences:
            if said.stop <= self._transcriber.since:  # a fresh instance tells what its predecessor had told
                continue
            self._observer.on_transcript(stream, said)
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

"""What happens in running streams, told to whoever looks on: sinks, recordings, the dashboard.

Everything is told in the thread that computes, in the order in which it happened, so an observer
must never wait for anybody.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import StimmungError
from ..plugin import Feed
from ..types import AudioFrame, Bools, Chunk, Output, Sentence, Span, Words
from .info import StreamInfo


class Observer:
    """Looks on and does nothing; a subclass overrides what it wants to know."""

    def began(self, feed: Feed, stream: StreamInfo) -> None:
        """A stream was opened; nothing of it has been heard yet."""

    def took(self, stream: str, chunk: Chunk) -> None:
        """A chunk of a source is taken; what can be heard of it comes next, resampled."""

    def on_audio(self, frame: AudioFrame) -> None:
        """Audio entered a stream."""

    def on_vad(self, stream: str, span: Span, flags: Bools) -> None:
        """Voice activity of a stretch, one flag a detector's hop."""

    def on_transcript(self, stream: str, sentence: Sentence) -> None:
        """A sentence is settled."""

    def on_words(self, stream: str, words: Words) -> None:
        """A transcriber that knows single words was asked for them."""

    def emitted(self, output: Output) -> None:
        """A prediction, state, fault or features left a stream."""

    def ended(self, stream: StreamInfo, error: StimmungError | None) -> None:
        """A stream ended; ``error`` is why, None at the end of its audio."""

    def turned(self) -> None:
        """Everything that had arrived was dealt with; comes many times a second."""


class Observers(Observer):
    """Several as one, each told in turn."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._all = observers

    def began(self, feed: Feed, stream: StreamInfo) -> None:
        for observer in self._all:
            observer.began(feed, stream)

    def took(self, stream: str, chunk: Chunk) -> None:
        for observer in self._all:
            observer.took(stream, chunk)

    def on_audio(self, frame: AudioFrame) -> None:
        for observer in self._all:
            observer.on_audio(frame)

    def on_vad(self, stream: str, span: Span, flags: Bools) -> None:
        for observer in self._all:
            observer.on_vad(stream, span, flags)

    def on_transcript(self, stream: str, sentence: Sentence) -> None:
        for observer in self._all:
            observer.on_transcript(stream, sentence)

    def on_words(self, stream: str, words: Words) -> None:
        for observer in self._all:
            observer.on_words(stream, words)

    def emitted(self, output: Output) -> None:
        for observer in self._all:
            observer.emitted(output)

    def ended(self, stream: StreamInfo, error: StimmungError | None) -> None:
        for observer in self._all:
            observer.ended(stream, error)

    def turned(self) -> None:
        for observer in self._all:
            observer.turned()

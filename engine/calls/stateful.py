"""Requests to a plugin that hears a stream in order, its responses, and the checks around them.

A detector or a transcriber holds the state of one stream, so every stream has an instance of its own.
Wherever that lives, it is asked through :func:`perform`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ..errors import PluginError
from ..plugin import WordTranscriber
from ..types import Bools, Floats, Sentence, Span, Word, Words, read_only

Method = Literal["open", "hear", "finish", "detect"]
NO_AUDIO = read_only(np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True)
class Request:
    """``hear`` and ``detect`` take the ``samples`` of ``span``; before ``finish`` it was heard last.

    ``open`` only builds the instance. ``anew``: the audio begins anew, and a fresh instance hears it.
    """

    method: Method
    span: Span
    samples: Floats = field(default_factory=lambda: NO_AUDIO)
    anew: bool = False


@dataclass(frozen=True, slots=True)
class InstanceRequest:
    """A request to one ``instance`` of ``plugin``, its name on the bus; ``origin`` is the stream's file.

    ``live``: its stream does not wait where the queue is full.
    """

    plugin: str
    instance: int
    request: Request
    origin: str | None = None
    live: bool = False

    @property
    def method(self) -> Method:
        """What is asked."""
        return self.request.method


@dataclass(frozen=True, slots=True)
class Response:
    """What a transcriber or a detector says; ``fresh`` when its instance was built for this request."""

    sentences: tuple[Sentence, ...] = ()
    words: Words | None = None
    flags: Bools | None = None
    fresh: bool = False


def perform(plugin: Any, request: Request) -> Response:
    """The checked response to a request; what the plugin raises is raised."""
    if request.method == "open":
        return Response()
    if request.method == "detect":
        return Response(flags=_flags(plugin, request.samples))
    hears = request.method == "hear"
    found = plugin.hear(request.span.start, request.samples) if hears else plugin.finish()
    sentences = _settled(plugin, found, request.span.stop)
    words = plugin.words() if isinstance(plugin, WordTranscriber) else None
    return Response(sentences, None if words is None else _plain(words))


def _settled(transcriber: Any, sentences: Sequence[Sentence], heard: int) -> tuple[Sentence, ...]:
    """The sentences, which are in order and lie in what was heard; raises PluginError."""
    stop = 0
    for one in sentences:
        if not (0 <= one.start <= one.stop <= heard and stop <= one.stop):
            raise PluginError(
                f"transcriber '{transcriber.name}' returned a wrong result",
                got=f"a sentence of samples {one.start} to {one.stop}, after {stop} of {heard}",
                expected="sentences in the order of their ends, none after the audio heard",
            )
        stop = one.stop
    return tuple(Sentence(int(one.start), int(one.stop), str(one.text)) for one in sentences)


def _plain(words: Words) -> Words:
    """The same in Python's own numbers, which is what travels."""

    def plain(found: Sequence[Word]) -> tuple[Word, ...]:
        return tuple(Word(int(w.start), int(w.stop), str(w.text), float(w.confidence)) for w in found)

    return Words(plain(words.settled), plain(words.partial), int(words.watermark))


def _flags(detector: Any, samples: Floats) -> Bools:
    flags = np.asarray(detector.detect(samples))
    expected = (len(samples) // detector.hop,)
    if flags.shape != expected:
        raise PluginError(
            f"detector '{detector.name}' returned a wrong result",
            got=f"shape {flags.shape}",
            expected=f"{expected}",
        )
    return flags.astype(np.bool_)

"""Turns what happens in running streams into the messages that the page knows."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..config.schema import PipelineConfig
from ..errors import StimmungError
from ..plugin import Feed
from ..runtime.host import Host
from ..storage.recorder import Recorder
from ..storage.records import record
from ..streaming.info import StreamInfo
from ..streaming.observer import Observer
from ..streaming.validation import targets
from ..types import AudioFrame, Bools, EmotionState, Fault, Floats, Output, Sentence, Span, Word, Words
from .health import Health
from .hub import Hub

BINS_HZ = 50  # of the waveform
LEDGER_S = 0.5
HEALTH_S = 1.0
VERSION = 1


class Collector(Observer):
    """Publishes to ``hub``; ``clock`` gives monotonic seconds and ``now`` those since the epoch.

    ``microphone`` says that the page may send its own.
    """

    def __init__(
        self,
        hub: Hub,
        host: Host,
        *,
        recorder: Recorder | None = None,
        microphone: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._hub, self._recorder, self._clock, self._now = hub, recorder, clock, now
        self._streams: dict[str, _Told] = {}
        self._ledger_due_s = self._health_due_s = 0.0
        self.turned_s = clock()  # when the streams were last looked after
        self._unrecorded: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.health = Health(host)
        self._hub.publish(hello(host, microphone=microphone, recording=recorder is not None))

    def began(self, feed: Feed, stream: StreamInfo) -> None:
        began = self._now() if feed.began is None else feed.began
        self._streams[feed.stream] = _Told(stream, began, Envelope(stream.rate))
        self._tell_stream(feed.stream, "live")

    def on_audio(self, frame: AudioFrame) -> None:
        told = self._streams[frame.stream]
        told.heard_s = frame.span.stop_s
        for start, low, high in told.envelope.add(frame.span.start, frame.samples):
            self._publish(
                "audio", frame.stream, start_s=start / BINS_HZ, step_s=1 / BINS_HZ, low=low, high=high
            )

    def on_vad(self, stream: str, span: Span, flags: Bools) -> None:
        step_s = span.length / span.rate / max(1, len(flags))
        marks = "".join("1" if flag else "0" for flag in flags)
        self._publish("activity", stream, start_s=span.start_s, step_s=step_s, flags=marks)

    def on_transcript(self, stream: str, sentence: Sentence) -> None:
        rate = self._streams[stream].stream.rate
        span = Span(sentence.start, sentence.stop, rate)
        self._publish("sentence", stream, start_s=span.start_s, stop_s=span.stop_s, text=sentence.text)

    def on_words(self, stream: str, words: Words) -> None:
        rate = self._streams[stream].stream.rate
        told = {"settled": [_word(word, rate) for word in words.settled]}
        self._publish("words", stream, **told, partial=[_word(word, rate) for word in words.partial])

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState):
            self._hub.publish(record(output, timing=True))
        elif isinstance(output, Fault):
            self.health.failed(output.plugin, self._clock())
            self._publish(
                "fault",
                output.stream,
                start_s=output.span.start_s,
                stop_s=output.span.stop_s,
                plugin=output.plugin,
                reason=output.reason,
                error=output.error,
            )

    def ended(self, stream: StreamInfo, error: StimmungError | None) -> None:
        name = stream.name
        self._tell_ledger(name, self._streams[name])
        self._tell_stream(name, "ended" if error is None else "failed", "" if error is None else str(error))
        self.health.settle(stream.ledger.record())
        del self._streams[name]

    def recording_ended(self, stream: str, error: str) -> None:
        """A recording ended early; may be called from any thread."""
        self._unrecorded.put(stream)

    def turned(self) -> None:
        while not self._unrecorded.empty():
            name = self._unrecorded.get()
            if name in self._streams:
                self._tell_stream(name, "live")
        now_s = self.turned_s = self._clock()
        if now_s >= self._ledger_due_s:
            self._ledger_due_s = now_s + LEDGER_S
            for name, told in self._streams.items():
                self._tell_ledger(name, told)
        if now_s >= self._health_due_s:
            self._health_due_s = now_s + HEALTH_S
            ledgers = [told.stream.ledger.record() for told in self._streams.values()]
            plugins = self.health.report(ledgers, now_s)
            self._hub.publish({"kind": "health", "plugins": plugins, "streams": len(self._streams)})

    def _tell_stream(self, name: str, phase: str, error: str = "") -> None:
        told = self._streams[name]
        writer = self._recorder.writer(name) if self._recorder is not None else None
        self._publish(
            "stream",
            name,
            phase=phase,
            began=told.began,
            heard_s=told.heard_s,
            error=error,
            recording=writer and {"url": f"recordings/{writer.folder.name}.zip", "error": writer.error},
        )

    def _tell_ledger(self, name: str, told: _Told) -> None:
        edges = told.stream.ledger.record()
        if edges != told.edges:
            told.edges = edges
            self._publish("ledger", name, heard_s=told.heard_s, edges=edges)

    def _publish(self, kind: str, stream: str, **content: Any) -> None:
        self._hub.publish({"kind": kind, "stream": stream, **content})


class _Told:
    """What has been told of one stream."""

    def __init__(self, stream: StreamInfo, began: float, envelope: Envelope) -> None:
        self.stream, self.began, self.envelope = stream, began, envelope
        self.heard_s = 0.0
        self.edges: dict[str, dict[str, object]] = {}


class Envelope:
    """The lowest and highest sample of every 20 ms, from -127 to 127, whatever the size of the frames."""

    def __init__(self, rate: int) -> None:
        self._bin = rate // BINS_HZ
        self._held = np.empty(0, np.float32)
        self._start = 0

    def add(self, start: int, samples: Floats) -> list[tuple[int, list[int], list[int]]]:
        """The bins that are complete now: the number of the first since the stream began, lows and highs."""
        if start != self._start + len(self._held):  # a gap: the bin goes on where the audio does
            self._start, self._held = start, np.empty(0, np.float32)
        held = np.concatenate([self._held, samples])
        count = len(held) // self._bin
        first, whole = self._start // self._bin, held[: count * self._bin].reshape(count, self._bin)
        self._start, self._held = self._start + count * self._bin, held[count * self._bin :]
        if not count:
            return []
        low, high = (np.clip(np.rint(127 * edge(whole, axis=1)), -127, 127) for edge in (np.min, np.max))
        return [(first, low.astype(int).tolist(), high.astype(int).tolist())]


def hello(host: Host, *, microphone: bool, recording: bool) -> dict[str, Any]:
    """What a page must know before any stream: the targets and their labels, and what is on offer."""
    found = targets(host.description, host.bus.facts)
    return hello_of(host.description, found, microphone=microphone, recording=recording)


def hello_of(
    description: PipelineConfig,
    targets: Sequence[Mapping[str, Any]],
    *,
    microphone: bool = False,
    recording: bool = False,
) -> dict[str, Any]:
    """The same of a pipeline that need not be built."""
    return {
        "kind": "hello",
        "v": VERSION,
        "targets": targets,
        "unsure_below": description.vote.unsure_below,
        "vote_s": description.vote.span_s,
        "hop_s": description.segments.hop_s if description.segments.kind != "whole" else None,
        "transcript": description.transcript is not None,
        "microphone": microphone,
        "recording": recording,
    }


def _word(word: Word, rate: int) -> dict[str, Any]:
    return {
        "start_s": word.start / rate,
        "stop_s": word.stop / rate,
        "text": word.text,
        "confidence": round(word.confidence, 3),
    }

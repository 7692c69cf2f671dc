"""Checks of what has a stream to itself: detectors, transcribers, sources and sinks."""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import PluginError, StimmungError
from ..plugin import Feed
from ..types import Chunk, EmotionState, Event, Floats, Prediction, Reason, Sentence, Span, Status, read_only
from .budget import keeps_up, stopwatch
from .material import RATE, RECORDING, speech, trials
from .subject import Check, Subject

CHUNKS = 100  # a live source never ends
SECOND_S, SPEECH_S = 1.0, 6.0


def detected(subject: Subject, samples: Floats, pieces: int, given: str) -> np.ndarray[Any, Any]:
    """The flags of a fresh detector that is fed ``samples`` in pieces of so many hops."""
    detector = subject.build()
    size, flags = pieces * detector.hop, []
    for start in range(0, len(samples), size):
        piece = read_only(samples[start : start + size])
        got = subject.call("detect", piece, detector)
        hops = len(piece) // detector.hop
        if not isinstance(got, np.ndarray) or got.shape != (hops,) or got.dtype != np.bool_:
            found = f"{got.dtype} {got.shape}" if isinstance(got, np.ndarray) else type(got).__name__
            raise subject.fault(
                f"detect returned something else than flags for {given}",
                got=found,
                expected=f"bool ({hops},)",
                remedy="return one np.bool_ for each hop",
            )
        flags.append(got)
    return np.concatenate(flags)


def _whole_hops(detector: Any, samples: Floats) -> Floats:
    return read_only(samples[: len(samples) // detector.hop * detector.hop])


def flags(subject: Subject) -> None:
    """One flag for each hop, whatever is heard."""
    detector = subject.build()
    for given, samples in trials(2.0, detector.rate).items():
        detected(subject, _whole_hops(detector, samples), 20, given)


def pieces(subject: Subject) -> None:
    """The flags do not depend on how the audio is cut up, nor on other streams."""
    detector = subject.build()
    samples = _whole_hops(detector, speech(4.0, detector.rate))
    whole = detected(subject, samples, len(samples) // detector.hop, "speech")
    for hops in (1, 7):
        if not np.array_equal(detected(subject, samples, hops, "speech"), whole):
            raise subject.fault(
                f"audio in pieces of {hops} hops gives other flags than the whole",
                remedy="carry what it remembers over from call to call, and share nothing between instances",
            )


def detection_latency(subject: Subject) -> None:
    """A second of live speech."""
    detector = subject.build()
    samples = _whole_hops(detector, speech(SECOND_S, detector.rate))

    def second(spent_s: list[float]) -> None:
        with stopwatch(spent_s):
            subject.call("detect", samples, detector)

    keeps_up(subject, second, SECOND_S, "make it faster, or give it longer hops")


def said(subject: Subject, size: int) -> list[tuple[int, Sentence]]:
    """The sentences of a fresh transcriber fed in chunks of ``size``, with the clock they settled at."""
    transcriber = subject.build()
    samples = speech(SPEECH_S, transcriber.rate)
    settled = []
    for start in range(0, len(samples), size):
        piece = read_only(samples[start : start + size])
        with subject.blamed("hear"):
            found: Sequence[Sentence] = transcriber.hear(start, piece)
        settled += [(start + len(piece), one) for one in found]
    with subject.blamed("finish"):
        settled += [(len(samples), one) for one in transcriber.finish()]
    return settled


def sentences(subject: Subject) -> None:
    """Sentences in the order of their ends, none beyond what was heard."""
    before = 0
    for heard, one in said(subject, 1600):
        if not isinstance(one, Sentence) or not 0 <= one.start < one.stop <= heard or one.stop < before:
            raise subject.fault(
                "it returned a sentence out of place",
                got=f"{one} after {heard} samples",
                expected="Sentences by the order of their ends, none ending after the audio heard",
                remedy="return a sentence only when it has ended",
            )
        before = one.stop


def chunking(subject: Subject) -> None:
    """What is said does not depend on how the audio is cut up."""
    fine = [one for _, one in said(subject, 1600)]
    for size in (4000, 96000):
        if [one for _, one in said(subject, size)] != fine:
            raise subject.fault(
                f"audio in chunks of {size} samples gives other sentences than in chunks of 1600",
                remedy="decide by the clock, not by the size of the chunks",
            )


def words(subject: Subject) -> None:
    """Of a transcriber that knows words: settled ones in order, none before a watermark given earlier."""
    transcriber = subject.build()
    if not hasattr(transcriber, "words"):
        return
    samples, heard, earliest = speech(SPEECH_S, transcriber.rate), 0, 0
    while heard < len(samples):
        piece = read_only(samples[heard : heard + 1600])
        with subject.blamed("hear"):
            transcriber.hear(heard, piece)
        heard += len(piece)
        earliest = _words(subject, transcriber, heard, earliest)
    with subject.blamed("finish"):
        transcriber.finish()
    _words(subject, transcriber, heard, earliest)


def _words(subject: Subject, transcriber: Any, heard: int, earliest: int) -> int:
    """The watermark, once the words that came with it have been checked."""
    with subject.blamed("words"):
        found = transcriber.words()
    start = earliest
    for word in found.settled:
        if not start <= word.start <= word.stop <= heard or not 0 <= word.confidence <= 1:
            raise subject.fault(
                "it settled a word out of place",
                got=f"{word} after {heard} samples",
                expected=f"words in order from {start} on, confidence from 0 to 1",
                remedy="keep a word partial, and the watermark before it, until it stays as it is",
            )
        start = word.start
    return max(earliest, int(found.watermark))


def transcription_latency(subject: Subject) -> None:
    """Six seconds of speech from the first to the last sentence."""

    def stream(spent_s: list[float]) -> None:
        with stopwatch(spent_s):
            said(subject, 1600)

    keeps_up(subject, stream, SPEECH_S, "choose a smaller model, or load it once for all instances")


def feeds(subject: Subject) -> None:
    """Named streams of chunks (n, channels) of float32 at a declared rate."""
    with standard_input(subject), subject.blamed("feeds"):
        found = 0
        for feed in subject.build().feeds():
            found += 1
            if not isinstance(feed, Feed) or not feed.stream:
                raise subject.fault("feeds yields something else than named Feeds", remedy="yield Feed(…)")
            for chunk in itertools.islice(feed.chunks, CHUNKS):
                _check_chunk(subject, chunk)
    if not found:
        raise subject.fault(
            "its example offers no stream", remedy="raise InputError where there is nothing, or correct it"
        )


def _check_chunk(subject: Subject, chunk: Any) -> None:
    samples = chunk.samples if isinstance(chunk, Chunk) else None
    fit = isinstance(samples, np.ndarray) and samples.ndim == 2 and samples.dtype == np.float32
    if not fit or chunk.rate <= 0:
        got = f"{samples.dtype} {samples.shape}" if samples is not None else type(chunk).__name__
        raise subject.fault(
            "a feed yields a chunk of a wrong kind",
            got=got,
            expected="Chunk(float32 (n, channels), rate)",
            remedy="reshape mono audio with samples[:, np.newaxis]",
        )


@contextlib.contextmanager
def standard_input(subject: Subject) -> Iterator[None]:
    """The recording as raw PCM on standard input, for sources that read it."""
    pcm = subject.folder / "recording.pcm"
    pcm.write_bytes((subject.folder / RECORDING).read_bytes()[44:])
    kept = sys.stdin
    try:
        with pcm.open("rb") as file, io.TextIOWrapper(file) as text:
            sys.stdin = text
            yield
    finally:
        sys.stdin = kept


def missing(subject: Subject) -> None:
    """What cannot be opened is a StimmungError, not whatever a library raises."""
    options = {**subject.example, "spec": str(subject.folder / "nobody.wav")}
    twin = Subject(subject.name, subject.role, subject.kind, subject.folder, options)
    try:
        with standard_input(subject), twin.blamed("feeds"):
            for feed in twin.build().feeds():
                next(feed.chunks, None)
    except PluginError:
        raise
    except StimmungError:
        return


def events() -> list[Event]:
    """Predictions and states of every kind, with names that are hard to print."""
    span, other = Span(0, RATE, RATE), Span(RATE, 3 * RATE, RATE)
    both = {"low": 0.25, "high": 0.75}
    return [
        Prediction("a", 0, span, "arousal", both),
        Prediction("a", 1, other, "arousal", both, 1.5),
        EmotionState("a", span, "arousal", Status.OK, "high", 0.75, {"low": 0, "high": 1}, 1, both, 12.5),
        EmotionState("ä/ö ☂", other, "valence", Status.UNSURE, "low", 0.3, {"low": 1}, 1, {"low": 0.3}),
        EmotionState(
            "a", other, "arousal", Status.UNSURE, "high", 0.75, {"high": 1}, 1, both, reason=Reason.DISTANCE
        ),
        EmotionState("a", other, "arousal", Status.NO_SPEECH, None, 0.0, {}, 0, {}),
    ]


def writes(subject: Subject) -> None:
    """Every kind of prediction and state is taken, also the one in which nobody spoke."""
    captured = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(captured):
        sink = subject.build()
        try:
            for event in events():
                with subject.blamed(f"write of a {type(event).__name__} ({_about(event)})"):
                    sink.write(event)
        finally:
            with subject.blamed("close"):
                sink.close()


def closes(subject: Subject) -> None:
    """It can be closed without having been written to."""
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")), subject.blamed("close"):
        subject.build().close()


def _about(event: Event) -> str:
    return event.status.value if isinstance(event, EmotionState) else event.label


DETECTORS = (
    Check("one flag for each hop", flags),
    Check("flags do not depend on how the audio is cut up", pieces),
    Check("a second of speech costs less than a second", detection_latency, timed=True),
)
TRANSCRIBERS = (
    Check("sentences in order, none ahead of the audio", sentences),
    Check("sentences do not depend on how the audio is cut up", chunking),
    Check("settled words in order, none before a watermark", words),
    Check("speech is transcribed faster than it is spoken", transcription_latency, timed=True),
)
SOURCES = (
    Check("named streams of float32 chunks", feeds),
    Check("what cannot be opened is one clear error", missing),
)
SINKS = (
    Check("every kind of event is taken", writes),
    Check("it can be closed unused", closes),
)

"""All that a plugin author reads: the contracts, and the hooks that announce them.

A plugin is one module, registered under its name in the entry-point group ``stimmung``::

    [options.entry_points]
    stimmung =
        loudness = acme.loudness

and announcing its class through the hook of its kind::

    from stimmung.engine.plugin import hookimpl

    class Loudness:
        api = 1
        name, version, rate, dim = "loudness", "1", 16000, 1

        def extract(self, segments):
            return np.array([[np.sqrt(np.mean(s.samples**2))] for s in segments], np.float32)

    @hookimpl
    def stimmung_extractor():
        return Loudness

The keyword arguments of the class are the options a pipeline may set; their annotations are
checked. Plugins take and return bare numbers; the engine stamps identity and time. A method may be
called in a process of its own, again after a crash, and for several streams in any order, so
extractors and classifiers hold no state between calls. Arrays passed in are read-only.

Two optional attributes of the class: ``api`` is the version of these contracts that it was written for
(1 where it is absent), and ``example`` holds options that :mod:`stimmung.engine.check` builds it with.
A classifier may also have ``population``: for each of its inputs a :class:`~.statistics.Population`, or None;
pipelines can then normalise its features by the stream, which needs nothing else of it. One of a single
input may have ``offset``, an :class:`~.statistics.OffsetModel` or None: where a pipeline has the speaker's
offset inferred, ``predict`` gets one more matrix, (n, len(labels)), the logarithms of the posteriors so
inferred; not where the input is missing, and not in any other pipeline. One that reads windows and sentences
may have ``takes_missing = True``: where there are no words, it gets a row of NaN in their place; without it,
it is not asked. One that knows how unlike its training data something is says so by one more method,
:class:`DistanceClassifier`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import pluggy

from .types import Bools, Chunk, Event, Floats, Segment, Sentence, Words

PROJECT = "stimmung"
ENTRY_POINTS = "stimmung"
API = 1  # the version of these contracts
APIS = (1,)  # the versions this engine can still serve; docs/contract.md says when one may go

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class Feed:
    """One stream a source offers: its name, and its audio as it arrives.

    ``chunks`` raises :class:`~stimmung.engine.errors.InputError` when the audio cannot be read;
    the other feeds of the source are not affected. ``began`` is the wall time of the first sample
    in seconds since the epoch, None where nobody knows. ``origin`` is the file it is read from, if any.
    """

    stream: str
    chunks: Iterator[Chunk]
    began: float | None = None
    origin: Path | None = None


class Source(Protocol):
    """Where audio comes from. Built as ``Source(spec, **options)``, ``spec`` being what the user typed.

    ``chunk_ms`` is honoured by every source that can choose its chunk size: None is its own choice. Two
    optional members: ``live = True`` says that audio comes when it is spoken, so that feeds run side by side
    and are never paced; ``close`` is called when no more is wanted, and makes ``feeds`` end.
    """

    name: str

    def feeds(self) -> Iterator[Feed]:
        """Every stream there is, one after the other."""
        ...


class Detector(Protocol):
    """Voice activity: one instance a stream, fed in order, so it may hold state.

    ``detect`` takes a whole number of hops, (n * hop,), and returns one flag a hop, (n,).
    """

    name: str
    rate: int
    hop: int

    def detect(self, samples: Floats) -> Bools: ...


@runtime_checkable
class Extractor(Protocol):
    """The simple contract: segments in, one vector each, (n, dim). Works everywhere."""

    name: str
    version: str
    rate: int
    dim: int

    def extract(self, segments: Sequence[Segment]) -> Floats: ...


@runtime_checkable
class FrameExtractor(Protocol):
    """Descriptors once a stream, functionals once a segment.

    ``describe`` is local: row k of its result sees exactly the samples
    ``[k * hop, k * hop + support)`` of its argument, so (n,) gives
    ``((n - support) // hop + 1, channels)``, and none when n < support. The engine calls it once over
    each stream in fixed blocks. ``summarise`` gets, for each segment, the rows whose support lies
    wholly inside the segment, (rows, channels) with at least one row, and returns (n, dim).

    An optional attribute ``shortest``, in samples: ``describe`` takes blocks of ``shortest <= n < support``
    too, and gives one row of each. Then it is called for every row by itself, with exactly ``support``
    samples, and once more for the end of a turn or of a whole recording, its last ``support`` samples or all
    there are, unless a row ends there; that row is the last one ``summarise`` gets.
    """

    name: str
    version: str
    rate: int
    dim: int
    channels: int
    hop: int
    support: int

    def describe(self, samples: Floats) -> Floats: ...

    def summarise(self, rows: Sequence[Floats]) -> Floats: ...


@runtime_checkable
class TextExtractor(Protocol):
    """Sentences in, one vector each, (n, dim); a sentence's vector does not depend on those beside it."""

    name: str
    version: str
    dim: int

    def encode(self, sentences: Sequence[str]) -> Floats: ...


class Transcriber(Protocol):
    """What was said: one instance a stream, told of its audio in order, so it may hold state.

    Built as ``Transcriber(origin, **options)``, ``origin`` being the file the stream is read from, None
    where there is none. ``hear`` takes the audio from ``start`` on, (n,); a start later than the end of
    what it heard before is a gap. Both return the sentences that are settled now, in the order of their
    ends; none ends after the audio heard, and which are settled depends on the clock alone. A class method
    ``prepare`` is optional: called with the options before any audio, it loads what all streams share.
    """

    name: str
    rate: int

    def hear(self, start: int, samples: Floats) -> Sequence[Sentence]: ...

    def finish(self) -> Sequence[Sentence]: ...


@runtime_checkable
class WordTranscriber(Protocol):
    """A transcriber that knows single words too, and when: asked after each ``hear`` and after ``finish``."""

    def words(self) -> Words: ...


@dataclass(frozen=True, slots=True)
class Input:
    """One extractor a classifier was trained on; ``version`` empty means any."""

    name: str
    dim: int
    version: str = ""


@runtime_checkable
class Classifier(Protocol):
    """Features in, calibrated probabilities out.

    ``predict`` gets one (n, dim) matrix for each of ``inputs``, in that order, and returns
    (n, len(labels)); every row sums to 1.
    """

    name: str
    rate: int
    inputs: tuple[Input, ...]
    target: str
    labels: tuple[str, ...]

    def predict(self, features: Sequence[Floats]) -> Floats: ...


@runtime_checkable
class DistanceClassifier(Protocol):
    """A classifier that knows, too, how far each row lies from all that it was trained on.

    ``training_distance`` gets what ``predict`` gets, right after it, and returns (n,): 0 or more, and 1 the
    limit beyond which a row is unlike the training data. Where the limit lies is the classifier's to say; a
    pipeline sets by ``unsure_beyond`` how many times as far makes a state unsure.
    """

    def training_distance(self, features: Sequence[Floats]) -> Floats: ...


class Sink(Protocol):
    """Where predictions and states go. ``close`` is called once, also after a failure."""

    name: str

    def write(self, event: Event) -> None: ...

    def close(self) -> None: ...


class Hooks:
    """One hook a kind; each returns a class. Called once, when the plugin is loaded."""

    @hookspec
    def stimmung_source(self) -> type[Source]:  # type: ignore[empty-body]
        """A class that opens audio."""

    @hookspec
    def stimmung_detector(self) -> type[Detector]:  # type: ignore[empty-body]
        """A class that detects voice activity."""

    @hookspec
    def stimmung_extractor(  # type: ignore[empty-body]
        self,
    ) -> type[Extractor] | type[FrameExtractor] | type[TextExtractor]:
        """A class that turns segments or sentences into vectors."""

    @hookspec
    def stimmung_transcriber(self) -> type[Transcriber]:  # type: ignore[empty-body]
        """A class that says what was spoken."""

    @hookspec
    def stimmung_classifier(self) -> type[Classifier]:  # type: ignore[empty-body]
        """A class that turns vectors into probabilities."""

    @hookspec
    def stimmung_sink(self) -> type[Sink]:  # type: ignore[empty-body]
        """A class that consumes predictions and states."""

"""The nouns passed between stages, all of them.

Time is counted in samples of one stream's clock: integers are samples, everything else carries its
unit in its name. Every value that leaves a stage carries its stream and its :class:`Span`; the
engine stamps both, so a plugin cannot get them wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch ``[start, stop)`` of one stream's sample clock at ``rate`` Hz."""

    start: int
    stop: int
    rate: int

    @property
    def length(self) -> int:
        """Samples covered."""
        return self.stop - self.start

    @property
    def start_s(self) -> float:
        """Seconds from the stream's first sample to the span's first."""
        return self.start / self.rate

    @property
    def stop_s(self) -> float:
        """Seconds from the stream's first sample to the first sample after the span."""
        return self.stop / self.rate

    def within(self, start: int, stop: int) -> bool:
        """True when the whole span lies in ``[start, stop)``."""
        return start <= self.start and self.stop <= stop


@dataclass(frozen=True, slots=True)
class Chunk:
    """Audio exactly as a source delivers it: any size, any rate, any number of channels.

    ``samples`` is (n, channels), full scale ±1. ``start`` is the position of the first sample on
    the source's own clock; None means "right after the previous chunk", a later position is a gap.
    """

    samples: Floats
    rate: int
    start: int | None = None


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """Mono audio on the stream's clock, (n,), at the pipeline's rate; a read-only view."""

    stream: str
    span: Span
    samples: Floats


@dataclass(frozen=True, slots=True)
class Segment:
    """One unit of classification: a window, an utterance or a sentence of one stream.

    ``samples`` is (span.length,), a read-only view; it is empty where no stage asked for audio.
    ``speech`` is the share of the span in which voice activity was detected, 0 to 1; it is 1
    in a pipeline without a detector. ``settled`` is False while a turn runs: a later segment will tell
    the same better.
    """

    stream: str
    index: int
    span: Span
    samples: Floats
    speech: float = 1.0
    text: str | None = None
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was said in ``[start, stop)`` of a stream's clock."""

    start: int
    stop: int
    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """One word that was said in ``[start, stop)`` of a stream's clock; ``confidence`` is from 0 to 1."""

    start: int
    stop: int
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Words:
    """What a transcriber has understood since it was last asked.

    ``settled`` words stay as they are. The ``partial`` ones stand in the place of all partial ones before
    and may still change. No word that settles later begins before ``watermark``.
    """

    settled: tuple[Word, ...]
    partial: tuple[Word, ...]
    watermark: int


@dataclass(frozen=True, slots=True)
class Features:
    """What one extractor made of one segment: ``values`` is (dim,).

    ``speech``: the samples of speech that the segment is the first of its stream to hold, of ``spoken``
    in it; those that are not settled leave theirs to the next. ``settled`` is that of the segment.
    """

    stream: str
    index: int
    span: Span
    extractor: str
    values: Floats
    speech: int = 0
    spoken: int = 0
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one classifier made of one segment: a calibrated probability for every label.

    ``distance``: how far the segment's features lie from all that the classifier was trained on, 0 or more;
    beyond 1 they are unlike it. None from a classifier that does not say.
    """

    stream: str
    index: int
    span: Span
    target: str
    probabilities: Mapping[str, float]
    distance: float | None = None

    @property
    def label(self) -> str:
        """The most probable label; the first of equals, in the model's order."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


class Status(StrEnum):
    """How far a state can be relied on."""

    OK = "ok"
    UNSURE = "unsure"
    NO_SPEECH = "no_speech"


class Reason(StrEnum):
    """Why a state is unsure: its confidence is low, or what is heard is unlike the training data."""

    CONFIDENCE = "confidence"
    DISTANCE = "distance"


@dataclass(frozen=True, slots=True)
class EmotionState:
    """The majority of one target's predictions over the last seconds of a stream.

    ``label`` is None only while nobody has spoken. ``span`` is the stretch voted over, ``votes``
    the number of predictions for each label, ``voters`` their sum, ``probabilities`` their mean.
    ``confidence`` is the mean probability of ``label``. ``lag_ms`` is the wall time from the arrival
    of the span's last sample to this state; it is no part of a state's identity, so it takes no
    part in comparison. ``reason`` says why ``status`` is unsure, and is None where it is not.
    """

    stream: str
    span: Span
    target: str
    status: Status
    label: str | None
    confidence: float
    votes: Mapping[str, int]
    voters: int
    probabilities: Mapping[str, float]
    lag_ms: float | None = field(default=None, compare=False)
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """A segment, or a block of audio, that was given up: by which plugin, and why."""

    stream: str
    span: Span
    plugin: str
    reason: str
    error: str


Event = Prediction | EmotionState
Output = Prediction | EmotionState | Features | Fault


def read_only(samples: npt.NDArray[np.generic]) -> Floats:
    """The same numbers as a contiguous float32 view that nobody can write through."""
    view = np.ascontiguousarray(samples, dtype=np.float32).view()
    view.flags.writeable = False
    return view

"""A transcriber or a detector that fails loses what it was asked about, and never the stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from stimmung.engine.errors import InputError
from stimmung.engine.plugin import Detector, Transcriber
from stimmung.engine.runtime.host import Host
from stimmung.engine.streaming.circuit_breaker import MAX_FAILURES
from stimmung.engine.streaming.pipeline import Pipeline
from stimmung.engine.streaming.stream import Intake, Stream
from stimmung.engine.types import Bools, Chunk, EmotionState, Fault, Floats, Output, Sentence, Status
from support import RATE, acme, cut, every, syllables

SECONDS = 12
SPEECH = syllables(float(SECONDS))
ALL = frozenset(range(SECONDS))


class Clock:
    """Says a sentence at the end of every second it hears, but fails in those of ``bad``."""

    name, rate = "clock", RATE

    def __init__(self, bad: frozenset[int], fails: Callable[[int], Sequence[Sentence]]) -> None:
        self._bad, self._fails, self._first = bad, fails, True

    def hear(self, start: int, samples: Floats) -> Sequence[Sentence]:
        second = start // RATE
        if second in self._bad:
            return self._fails(second)
        said = range(second + 1) if self._first else [second]  # a fresh one tells it all, as of a file
        self._first = False
        return [Sentence(one * RATE, (one + 1) * RATE, f"this is sentence {one}") for one in said]

    def finish(self) -> Sequence[Sentence]:
        return []


class Ear:
    """Hears silence everywhere, but fails in the seconds of ``bad``."""

    name, rate, hop = "ear", RATE, RATE // 10

    def __init__(self, bad: frozenset[int], result: Bools | None = None) -> None:
        self._bad, self._result, self._heard = bad, result, 0

    def detect(self, samples: Floats) -> Bools:
        if self._bad == ALL or (self._bad and samples[0] == SPEECH[min(self._bad) * RATE]):
            if self._result is None:
                raise RuntimeError("out of order")
            return self._result
        return np.zeros(len(samples) // self.hop, np.bool_)


def breaks(second: int) -> Sequence[Sentence]:
    raise RuntimeError(f"lost at {second}")


def ahead(second: int) -> Sequence[Sentence]:
    return [Sentence(second * RATE, (second + 9) * RATE, "this is still to come")]


def backwards(second: int) -> Sequence[Sentence]:
    return [Sentence(0, 9, "later"), Sentence(0, 8, "sooner")]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    description = acme(
        transcript={"plugin": "provided"},
        activity={"plugin": "acme-speaker", "above": 0.0},
        extractors=[{"plugin": "acme-spelling"}, {"plugin": "acme-loudness"}],
        classifiers=[{"plugin": "acme-loud"}, {"plugin": "acme-spelling", "name": "smile"}],
    )
    with Host(description) as host:
        yield host


def play(
    host: Host,
    transcriber: Callable[[], Transcriber] | None = None,
    detector: Callable[[], Detector] | None = None,
    size: int = 1600,
) -> tuple[list[Output], dict[str, dict[str, object]]]:
    pipeline = Pipeline("s", host.description, host.bus, detector, transcriber)
    stream = Stream(Intake("s", RATE, keep_dc=True), pipeline)  # the ear knows its samples
    chunks: Iterator[Chunk] = cut(SPEECH, every(size))
    outputs = list(stream.play(chunks))
    assert pipeline.ledger.settled
    assert pipeline.in_flight == 0
    return outputs, pipeline.ledger.record()


def states(outputs: list[Output], target: str) -> list[EmotionState]:
    return [one for one in outputs if isinstance(one, EmotionState) and one.target == target]


@pytest.mark.parametrize("fails", [breaks, ahead, backwards])
def test_a_transcriber_that_fails_loses_one_block_and_a_fresh_one_listens_on(
    host: Host, fails: Callable[[int], Sequence[Sentence]]
) -> None:
    silent, _ = play(host)
    outputs, ledger = play(host, lambda: Clock(frozenset({4}), fails))
    assert states(outputs, "arousal") == states(silent, "arousal")
    assert [one.span.stop // RATE for one in states(outputs, "valence")] == [1, 2, 3, 4, *range(6, 13)]
    (fault,) = [one for one in outputs if isinstance(one, Fault)]
    assert (fault.span.start, fault.span.stop, fault.plugin) == (4 * RATE, 5 * RATE, "provided")
    assert "plugin 'provided' failed, got" in fault.error
    assert ledger["transcribe"]["received"] == SECONDS + 1  # and to finish
    assert ledger["transcribe"]["dropped"] == {"failed": 1}


def test_a_transcriber_that_keeps_failing_is_parked_and_the_audio_goes_on(host: Host) -> None:
    silent, _ = play(host)
    outputs, ledger = play(host, lambda: Clock(ALL, breaks))
    assert states(outputs, "arousal") == states(silent, "arousal")
    faults = [one for one in outputs if isinstance(one, Fault)]
    assert len(faults) == MAX_FAILURES
    assert faults[-1].error.endswith("it is parked")
    assert ledger["transcribe"]["dropped"] == {"failed": MAX_FAILURES, "parked": SECONDS + 1 - MAX_FAILURES}


@pytest.mark.parametrize("size", [160, 16000, 7919])
def test_what_a_failure_costs_does_not_depend_on_the_size_of_chunks(host: Host, size: int) -> None:
    def failing(size: int) -> list[Output]:
        bad = frozenset({2, 7})
        outputs, _ = play(host, lambda: Clock(bad, breaks), lambda: Ear(frozenset({3})), size)
        return [one for one in outputs if not isinstance(one, Fault)]

    assert failing(size) == failing(1600)


def test_input_that_is_unfit_ends_the_stream_with_its_error(host: Host) -> None:
    def unfit(second: int) -> Sequence[Sentence]:
        raise InputError("the transcript is torn")

    with pytest.raises(InputError, match="the transcript is torn"):
        play(host, lambda: Clock(frozenset({4}), unfit))


@pytest.mark.parametrize("result", [None, np.zeros(3, np.bool_)], ids=["raises", "wrong shape"])
def test_where_a_detector_fails_nothing_is_passed_over_as_silence(host: Host, result: Bools | None) -> None:
    outputs, ledger = play(host, detector=lambda: Ear(frozenset({3}), result))
    (fault,) = [one for one in outputs if isinstance(one, Fault)]
    assert (fault.span.start, fault.span.stop, fault.plugin) == (3 * RATE, 4 * RATE, "acme-speaker")
    heard = [one.span.stop // RATE for one in states(outputs, "arousal") if one.status != Status.NO_SPEECH]
    assert heard[0] == 4
    assert ledger["detect"]["dropped"] == {"failed": 1}


def test_a_detector_that_keeps_failing_is_parked_and_all_is_taken_for_speech(host: Host) -> None:
    outputs, ledger = play(host, detector=lambda: Ear(ALL))
    assert all(one.status != Status.NO_SPEECH for one in states(outputs, "arousal"))
    assert len(states(outputs, "arousal")) == SECONDS
    assert ledger["detect"]["dropped"] == {"failed": MAX_FAILURES, "parked": SECONDS - MAX_FAILURES}

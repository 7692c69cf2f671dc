"""One stream's edges: what is too short, what runs backwards, what breaks off."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from stimmung.engine.errors import InputError
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import AudioFrame, Chunk, EmotionState, Features, Output, Span
from support import RATE, acme, cut, every, syllables


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(acme()) as host:
        yield host


def test_audio_too_short_for_a_segment_is_said_to_be(host: Host) -> None:
    stream = host.stream("clip.wav")
    with pytest.raises(InputError) as caught:
        list(stream.play(cut(syllables(0.1), every(400))))
    assert str(caught.value) == (
        "'clip.wav' is too short for a single segment, got 0.10 s, expected at least 1 s without a gap; "
        "record more, or lower [segments] shortest_s"
    )
    assert stream.pipeline.ledger.record()["audio"]["dropped"] == {"too_short": 1600}


def test_what_came_before_a_fault_is_kept(host: Host) -> None:
    def breaking() -> Iterator[Chunk]:
        yield from cut(syllables(3.2), every(1600))
        raise InputError("the cable was pulled")

    outputs: list[Output] = []
    with pytest.raises(InputError, match="the cable was pulled"):
        outputs.extend(host.stream("s").play(breaking()))
    assert outputs == list(host.stream("s").play(cut(syllables(3.2), every(1600))))


def test_a_pipeline_refuses_audio_that_runs_backwards(host: Host) -> None:
    pipeline = host.stream("s").pipeline
    frame = AudioFrame("s", Span(0, 160, RATE), np.zeros(160, np.float32))
    pipeline.push(frame)
    with pytest.raises(InputError, match="stream 's' runs backwards, got a frame at sample 0"):
        pipeline.push(frame)


def test_a_pipeline_refuses_audio_at_another_rate(host: Host) -> None:
    pipeline = host.stream("s").pipeline
    with pytest.raises(InputError, match="got 8000 Hz, expected 16000 Hz"):
        pipeline.push(AudioFrame("s", Span(0, 160, 8000), np.zeros(160, np.float32)))


def test_features_leave_in_order_when_asked_for() -> None:
    description = acme(classifiers=[], segments={"kind": "whole"})
    with Host(description) as host:
        stream = host.stream("s", features=True)
        outputs = list(stream.play(cut(syllables(3.0), every(160))))
    assert [type(output) for output in outputs] == [Features, Features]
    assert [output.extractor for output in outputs if isinstance(output, Features)] == [
        "acme-level",
        "acme-loudness",
    ]


def test_lag_is_measured_from_the_arrival_of_the_last_sample(host: Host) -> None:
    states = [
        o for o in host.stream("s").play(cut(syllables(3.0), every(160))) if isinstance(o, EmotionState)
    ]
    assert all(state.lag_ms is not None and state.lag_ms >= 0 for state in states)

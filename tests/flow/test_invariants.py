"""The promise: the same audio gives the same states, however it arrives and wherever it is computed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Chunk, EmotionState, Output
from support import RATE, acme, cut, every, syllables

SPEECH = syllables(23.4)


def states(host: Host, chunks: Iterator[Chunk]) -> list[Output]:
    stream = host.stream("s")
    outputs = list(stream.play(chunks))
    assert stream.pipeline.ledger.settled
    return outputs


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(acme()) as host:
        yield host


@pytest.fixture(scope="module")
def expected(host: Host) -> list[Output]:
    return states(host, cut(SPEECH, every(len(SPEECH))))


def test_there_are_states_for_every_hop_and_the_tail(expected: list[Output]) -> None:
    stops = [o.span.stop for o in expected if isinstance(o, EmotionState) and o.target == "arousal"]
    assert stops == [*range(RATE, 24 * RATE, RATE), len(SPEECH)]


@pytest.mark.parametrize("size", [160, 1600, 999, 1])
def test_states_do_not_depend_on_the_size_of_chunks(host: Host, expected: list[Output], size: int) -> None:
    samples = SPEECH if size > 1 else SPEECH[: 3 * RATE]
    reference = expected if size > 1 else states(host, cut(samples, every(len(samples))))
    assert states(host, cut(samples, every(size))) == reference


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(1, 20000), min_size=1, max_size=20))
def test_states_do_not_depend_on_random_sizes_of_chunks(sizes: list[int]) -> None:
    def cycle() -> Iterator[int]:
        while True:
            yield from sizes

    with Host(acme()) as host:
        assert states(host, cut(SPEECH, cycle())) == states(host, cut(SPEECH, every(len(SPEECH))))


@pytest.mark.parametrize(("transport", "workers"), [("inproc", 1), ("inproc", 3), ("ipc", 1), ("ipc", 2)])
def test_states_do_not_depend_on_the_bus(expected: list[Output], transport: str, workers: int) -> None:
    with Host(acme(bus={"transport": transport, "workers": workers})) as host:
        assert states(host, cut(SPEECH, every(1600))) == expected


def test_a_gap_is_a_jump_of_the_clock_and_never_a_splice(host: Host, expected: list[Output]) -> None:
    gap_at, gap = 7 * RATE + 123, 100 * RATE + 77
    before = Chunk(SPEECH[:gap_at, np.newaxis], RATE)
    after = Chunk(SPEECH[:, np.newaxis], RATE, start=gap_at + gap)
    outputs = states(host, iter([before, after]))
    spans = [o.span for o in outputs if not isinstance(o, EmotionState)]
    assert not any(span.start < gap_at + gap and span.stop > gap_at for span in spans)
    moved = [
        (o.span.start - gap_at - gap, o.probabilities)
        for o in outputs
        if o.span.start >= gap_at + gap and not isinstance(o, EmotionState)
    ]
    alone = [(o.span.start, o.probabilities) for o in expected if not isinstance(o, EmotionState)]
    assert moved == alone

"""Recutting changes the size of chunks and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stimmung.engine.audio.rechunk import recut
from stimmung.engine.errors import InputError
from stimmung.engine.types import Chunk, Floats


def ramp(start: int, length: int) -> Floats:
    return np.arange(start, start + length, dtype=np.float32)[:, None]


@given(sizes=st.lists(st.integers(0, 500), max_size=20), chunk_ms=st.floats(0.01, 200))
def test_every_chunk_but_the_last_has_the_size_asked_for(sizes: list[int], chunk_ms: float) -> None:
    edges = np.cumsum([0, *sizes]).tolist()
    given_chunks = [Chunk(ramp(a, b - a), 1_000) for a, b in pairwise(edges)]
    chunks = list(recut(given_chunks, chunk_ms))
    size = max(1, round(chunk_ms))
    assert all(len(chunk.samples) == size for chunk in chunks[:-1])
    assert all(0 < len(chunk.samples) <= size for chunk in chunks)
    joined = np.concatenate([ramp(0, 0), *(chunk.samples for chunk in chunks)])
    np.testing.assert_array_equal(joined, ramp(0, sum(sizes)))


def test_a_gap_stays_where_it_is() -> None:
    chunks = list(recut([Chunk(ramp(0, 25), 1_000), Chunk(ramp(0, 25), 1_000, start=100)], 10))
    assert [(len(chunk.samples), chunk.start) for chunk in chunks] == [
        (10, None),
        (10, None),
        (5, None),
        (10, 100),
        (10, None),
        (5, None),
    ]


def test_chunks_that_carry_their_position_are_joined_where_they_touch() -> None:
    counted = [Chunk(ramp(at, 5), 1_000, start=at) for at in range(0, 20, 5)]
    assert [len(chunk.samples) for chunk in recut(counted, 10)] == [10, 10]


def test_a_change_of_channels_is_not_mended() -> None:
    chunks = list(recut([Chunk(ramp(0, 5), 1_000), Chunk(np.zeros((5, 2), np.float32), 1_000)], 10))
    assert [chunk.samples.shape for chunk in chunks] == [(5, 1), (5, 2)]


def test_what_came_before_a_failure_is_delivered_before_it() -> None:
    def failing() -> Iterator[Chunk]:
        yield Chunk(ramp(0, 15), 1_000)
        raise InputError("the device is gone")

    chunks = recut(failing(), 10)
    assert [len(next(chunks).samples), len(next(chunks).samples)] == [10, 5]
    with pytest.raises(InputError, match="the device is gone"):
        next(chunks)

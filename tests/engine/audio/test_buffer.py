"""The audio buffer, block ends, and descriptor rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stimmung.engine.audio.buffer import AudioBuffer, block_ends
from stimmung.engine.streaming.descriptors import DescriptorBuffer
from stimmung.engine.types import Floats


def ramp(start: int, stop: int) -> Floats:
    return np.arange(start, stop, dtype=np.float32)


@given(steps=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 300)), max_size=30))
def test_the_buffer_gives_back_what_was_put_in_and_old_views_stay_true(
    steps: list[tuple[int, int]],
) -> None:
    buffer, position, forgotten = AudioBuffer(100), 100, 100
    views: list[tuple[int, Floats]] = []
    for size, keep in steps:
        buffer.append(ramp(position, position + size))
        position += size
        forgotten = max(forgotten, position - keep)
        buffer.forget(forgotten)
        views.append((forgotten, buffer.view(forgotten, position)))
    for start, view in views:
        assert np.array_equal(view, ramp(start, start + len(view)))


def test_views_cannot_be_written_through() -> None:
    buffer = AudioBuffer(0)
    buffer.append(ramp(0, 10))
    with pytest.raises(ValueError, match="read-only"):
        buffer.view(0, 10)[0] = 1


def test_forgotten_audio_cannot_be_viewed() -> None:
    buffer = AudioBuffer(0)
    buffer.append(ramp(0, 10))
    buffer.forget(5)
    with pytest.raises(ValueError, match="not in the buffer"):
        buffer.view(4, 10)


def test_the_buffer_does_not_grow_with_the_length_of_the_stream() -> None:
    buffer = AudioBuffer(0)
    for position in range(0, 100_000, 100):
        buffer.append(ramp(position, position + 100))
        buffer.forget(position - 1000)
    assert len(buffer._samples) < 10_000


def test_blocks_end_every_block_and_at_every_cut() -> None:
    ends = list(block_ends(0, 0, 25, 10, lambda position: 7 * (position // 7 + 1)))
    assert ends == [7, 10, 14, 20, 21]


@given(hop=st.integers(1, 20), support=st.integers(1, 60), ends=st.lists(st.integers(1, 50), max_size=20))
def test_blocks_together_claim_every_row_once(hop: int, support: int, ends: list[int]) -> None:
    rows, position, starts = DescriptorBuffer(5, hop=hop, support=support), 5, []
    for step in ends:
        position += step
        claimed = rows.claim(position)
        if claimed is not None:
            start, stop = claimed
            assert stop <= position
            assert (stop - start - support) % hop == 0
            starts += range(start, stop - support + 1, hop)
    assert starts == list(range(5, position - support + 1, hop))


def test_a_window_gets_exactly_the_rows_wholly_inside_it() -> None:
    rows = DescriptorBuffer(0, hop=10, support=25)
    claims = [claimed for end in (40, 80, 120) if (claimed := rows.claim(end))]
    for start, stop in reversed(claims):  # answers may come in any order
        first = np.arange(start, stop - 24, 10, dtype=np.float32)
        rows.add(start, stop, first[:, np.newaxis])
    assert rows.ready(120)
    taken = rows.take(15, 78)
    assert taken is not None
    assert np.concatenate([part.rows for part in taken])[:, 0].tolist() == [20, 30, 40, 50]


def test_rows_are_not_ready_before_every_earlier_block_has_answered() -> None:
    rows = DescriptorBuffer(0, hop=10, support=10)
    first, second = rows.claim(20), rows.claim(40)
    assert first is not None
    assert second is not None
    rows.add(*second, np.zeros((2, 1), np.float32))
    assert not rows.ready(20)
    rows.add(*first, np.zeros((2, 1), np.float32))
    assert rows.ready(40)


def test_a_window_over_lost_rows_gets_none_and_the_next_one_gets_its_own() -> None:
    rows = DescriptorBuffer(0, hop=10, support=10)
    for end in (20, 40, 60):
        claimed = rows.claim(end)
        assert claimed is not None
        rows.add(*claimed, None if end == 40 else np.zeros((2, 1), np.float32))
    assert rows.take(0, 40) is None
    assert rows.take(40, 60) is not None


def test_forgotten_rows_are_let_go_and_later_ones_kept() -> None:
    rows = DescriptorBuffer(0, hop=10, support=10)
    for end in range(20, 2000, 20):
        claimed = rows.claim(end)
        assert claimed is not None
        rows.add(*claimed, np.full((2, 1), end, np.float32))
        rows.forget(end - 100)
    assert len(rows._parts) <= 8
    assert rows.take(1880, 1980) is not None

"""Where segments begin and end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from stimmung.engine.audio.segmentation import Whole, Windows
from stimmung.engine.types import Span


def windows(start: int = 0, window: int = 5, hop: int = 2, shortest: int = 2) -> Windows:
    return Windows(start, window=window, hop=hop, shortest=shortest, rate=1)


def bounds(spans: list[Span]) -> list[tuple[int, int]]:
    return [(span.start, span.stop) for span in spans]


def test_windows_end_at_every_hop_and_start_short() -> None:
    assert bounds(windows().advance(9)) == [(0, 2), (0, 4), (1, 6), (3, 8)]


def test_no_window_is_shorter_than_the_shortest() -> None:
    assert bounds(windows(shortest=3).advance(9)) == [(0, 4), (1, 6), (3, 8)]


def test_a_last_window_ends_with_the_region() -> None:
    cutter = windows()
    cutter.advance(8)
    assert bounds(cutter.finish(9)) == [(4, 9)]


def test_nothing_is_cut_twice_when_the_region_ends_on_a_hop() -> None:
    cutter = windows()
    cutter.advance(8)
    assert cutter.finish(8) == []


def test_a_region_shorter_than_the_shortest_gives_nothing() -> None:
    assert windows(shortest=3).finish(2) == []


def test_a_region_between_the_shortest_and_a_hop_gives_one_window() -> None:
    assert bounds(windows(hop=4, shortest=2).finish(3)) == [(0, 3)]


def test_a_whole_is_one_segment() -> None:
    cutter = Whole(10, shortest=2, rate=1)
    assert cutter.advance(100) == []
    assert cutter.finish(111) == [Span(10, 111, 1)]
    assert Whole(10, shortest=2, rate=1).finish(11) == []


@given(
    start=st.integers(0, 1000),
    window=st.integers(1, 50),
    hop=st.integers(1, 50),
    shortest=st.integers(1, 50),
    steps=st.lists(st.integers(1, 40), max_size=20),
)
def test_windows_do_not_depend_on_the_steps_and_never_ask_for_what_was_forgotten(
    start: int, window: int, hop: int, shortest: int, steps: list[int]
) -> None:
    hop = min(hop, window)
    shortest = min(shortest, window // hop * hop)  # what a description must grant

    def cutter() -> Windows:
        return Windows(start, window=window, hop=hop, shortest=shortest, rate=1)

    stepwise, position, spans = cutter(), start, []
    for step in steps:
        position += step
        needed = stepwise.needs_from
        cut = stepwise.advance(position)
        assert all(span.start >= needed for span in cut)
        spans += cut
    needed = stepwise.needs_from
    tail = stepwise.finish(position)
    assert all(span.start >= needed for span in tail)
    assert spans + tail == cutter().finish(position)
    covered = {p for span in spans + tail for p in range(span.start, span.stop)}
    assert covered in (set(), set(range(start, position)))

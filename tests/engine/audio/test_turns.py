"""Where turns begin and end, and what is cut of them while they run."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from stimmung.engine.audio.turns import Cut, TurnCutter, TurnLengths
from stimmung.engine.types import Span

# A flag every 2 samples; 10 samples from answer to answer.
LENGTHS = TurnLengths(hop=10, shortest=4, longest=30, pause=6, pad=1)


def flags(pattern: str) -> list[bool]:
    """``#`` is speech, every other character is not."""
    return [one == "#" for one in pattern]


def cuts(pattern: str, lengths: TurnLengths = LENGTHS, start: int = 0, flag: int = 2) -> list[Cut]:
    cutter = TurnCutter(start, lengths, flag=flag, rate=1)
    return [*cutter.hear(flags(pattern)), *cutter.finish(start + flag * len(pattern))]


def spoken(found: Sequence[Cut]) -> list[tuple[int, int, bool]]:
    return [
        (cut.span.start, cut.span.stop, cut.settled) for cut in found if not (cut.silent or cut.too_short)
    ]


def silent(found: Sequence[Cut]) -> list[tuple[int, int]]:
    return [(cut.span.start, cut.span.stop) for cut in found if cut.silent]


def test_a_word_between_silences_is_one_segment_with_its_pad() -> None:
    assert spoken(cuts(".....###.......")) == [(9, 17, True)]


def test_a_short_pause_joins_and_a_long_one_splits() -> None:
    assert spoken(cuts("...###..###....")) == [(5, 15, False), (5, 23, True)]
    assert spoken(cuts("...###...###....")) == [(5, 13, True), (17, 25, True)]


def test_a_running_turn_is_answered_every_hop_and_settles_with_its_end() -> None:
    assert spoken(cuts(".############....")) == [(1, 11, False), (1, 21, False), (1, 27, True)]


def test_an_answer_that_is_due_in_a_pause_waits_for_speech_or_is_left_to_the_end() -> None:
    # Due at 15: speech has ended at 12, and goes on at 16.
    cutter = TurnCutter(0, LENGTHS, flag=2, rate=1)
    assert spoken(cutter.hear(flags("...###.."))) == []
    assert spoken(cutter.hear(flags("#"))) == [(5, 15, False)]
    assert spoken(cuts("...###........")) == [(5, 13, True)]


def test_a_turn_longer_than_the_longest_is_answered_by_its_end_and_settles_now_and_then() -> None:
    found = spoken(cuts("#" * 33 + "...."))
    assert found[:5] == [(0, 10, False), (0, 20, False), (0, 30, True), (10, 40, False), (20, 50, False)]
    assert found[5:] == [(30, 60, True), (40, 67, True)]


def test_a_turn_that_ends_where_it_settled_is_not_cut_again() -> None:
    assert spoken(cuts("#" * 15 + "....", TurnLengths(hop=10, shortest=4, longest=30, pause=6, pad=0))) == [
        (0, 10, False),
        (0, 20, False),
        (0, 30, True),
    ]


def test_a_turn_that_is_too_short_gives_no_segment_and_silence_goes_on() -> None:
    lengths = TurnLengths(hop=10, shortest=5, longest=30, pause=6, pad=1)
    found = cuts("....#.........", lengths)
    assert [cut.span for cut in found if cut.too_short] == [Span(7, 11, 1)]
    assert spoken(found) == []
    assert silent(found) == [(0, 10), (10, 20), (20, 28)]


def test_silence_is_cut_every_hop_counted_from_the_end_of_speech() -> None:
    assert silent(cuts("...........###" + "." * 14)) == [(0, 10), (10, 20), (29, 39), (39, 49), (49, 56)]


def test_the_end_of_a_stretch_ends_its_turn() -> None:
    assert spoken(cuts("...###")) == [(5, 12, True)]


def test_a_pad_ends_at_the_stretch_and_at_the_turn_before() -> None:
    lengths = TurnLengths(hop=10, shortest=1, longest=30, pause=4, pad=4)
    assert spoken(cuts("##..##..", lengths, start=100)) == [(100, 108, True), (108, 116, True)]


def reference(said: list[bool], start: int, flag: int, lengths: TurnLengths, position: int) -> list[Cut]:
    """All cuts, from all flags at once: each with the flag's end at which it is known, then in that order."""
    ends = [start + flag * (at + 1) for at in range(len(said))]
    speech = [(end - flag, end) for end, flag_set in zip(ends, said, strict=True) if flag_set]
    groups: list[list[tuple[int, int]]] = []
    for one in speech:
        if groups and one[0] - groups[-1][-1][1] < lengths.pause:
            groups[-1].append(one)
        else:
            groups.append([one])
    found: list[tuple[int, int, Cut]] = []
    over, before = position + 1, start
    running, quiet = list[tuple[int, int]](), [(start, 0)]
    for group in groups:
        first, last = group[0][0], group[-1][1]
        known = min((end for end in ends if end - last >= lengths.pause), default=over)
        begin, stop = max(before, first - lengths.pad), min(position, last + lengths.pad)
        before = stop
        running.append((first + flag, known))
        if stop - begin < lengths.shortest:
            found.append((known, 1, Cut(Span(begin, stop, 1), begin, too_short=True)))
            continue
        quiet.append((stop, first + flag))
        settled = begin
        for due in range(begin, stop + 1, lengths.hop):
            heard = [
                end
                for end in ends
                if due <= end <= known
                and any(due <= said_to + lengths.pad for _, said_to in group if said_to <= end)
            ]
            if due - begin < lengths.shortest or not heard:
                continue
            new = due - settled >= lengths.longest
            settled = due if new else settled
            span = Span(max(begin, due - lengths.longest), due, 1)
            found.append((heard[0], 0, Cut(span, begin, new)))
        if stop > settled:
            low = next(at for at in range(begin, stop, lengths.hop) if stop - at <= lengths.longest)
            found.append((known, 1, Cut(Span(low, stop, 1), begin)))
    for at, (low, _) in enumerate(quiet):
        until = quiet[at + 1][1] if at + 1 < len(quiet) else over + 1
        while True:
            high = low + lengths.hop
            when = min(
                (
                    end
                    for end in [*ends, over]
                    if high <= min(end, position) and not any(a <= end < b for a, b in running)
                ),
                default=None,
            )
            if when is None or when >= until:
                break
            found.append((when, 2, Cut(Span(low, high, 1), low, silent=True)))
            low = high
        if at + 1 == len(quiet) and low < position and position - start >= lengths.shortest:
            found.append((over, 3, Cut(Span(low, position, 1), low, silent=True)))
    return [cut for _, _, cut in sorted(found, key=lambda one: one[:2])]


@settings(deadline=None)
@given(
    start=st.integers(0, 100),
    flag=st.integers(1, 5),
    hop=st.integers(1, 20),
    shortest=st.integers(1, 20),
    hops=st.integers(1, 5),
    pause=st.integers(1, 20),
    pad=st.integers(0, 8),
    runs=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 20)), max_size=8),
    rest=st.integers(0, 4),
    steps=st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_turns_are_those_of_a_slow_reference_however_flags_arrive(
    start: int,
    flag: int,
    hop: int,
    shortest: int,
    hops: int,
    pause: int,
    pad: int,
    runs: list[tuple[int, int]],
    rest: int,
    steps: list[int],
) -> None:
    lengths = TurnLengths(
        hop=hop,
        shortest=min(shortest, hop * hops),
        longest=hop * hops,
        pause=pause,
        pad=min(pad, pause, hop),  # what a description must grant
    )
    said = [one for silence, speech in runs for one in [False] * silence + [True] * speech]
    position = start + flag * len(said) + min(rest, flag - 1)
    expected = reference(said, start, flag, lengths, position)

    cutter, found, at, turn = TurnCutter(start, lengths, flag=flag, rate=1), list[Cut](), 0, 0
    while at < len(said):
        needed, later = cutter.needs_from, cutter.next_cut(start + flag * at)
        assert later > start + flag * at
        cut = cutter.hear(said[at : at + steps[turn % len(steps)]])
        assert all(one.span.start >= needed for one in cut)
        found, at, turn = [*found, *cut], at + steps[turn % len(steps)], turn + 1
    needed = cutter.needs_from
    tail = cutter.finish(position)
    assert all(one.span.start >= needed for one in tail)
    found += tail
    assert found == expected
    stops = [cut.span.stop for cut in found if not cut.too_short]
    assert stops == sorted(stops)
    covered = {at for cut in found for at in range(cut.span.start, cut.span.stop)}
    assert all(cut.span.length <= lengths.longest for cut in found if not cut.silent)
    if position - start >= lengths.shortest:
        gaps = set(range(start, position)) - covered
        assert all(any(cut.span.stop > gap for cut in found) for gap in gaps)

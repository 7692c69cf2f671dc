"""Which words a window gets does not depend on when anything comes, however far a transcriber lags behind."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from stimmung.engine.calls.bus import Answer
from stimmung.engine.calls.spec import PluginSpec
from stimmung.engine.plugin import Input
from stimmung.engine.streaming.ledger import Ledger
from stimmung.engine.streaming.text_join import TextJoin
from stimmung.engine.types import Floats, Segment, Span, read_only

BLOCK, BLOCKS, WINDOW = 10, 12, 25
FACTS = PluginSpec(
    kind="classifier", name="both", rate=10, takes_missing=True,
    inputs=(Input("heard", 1), Input("said", 1), Input("seen", 1)),
)  # fmt: skip


class Desk:
    """One classifier's windows and sentences, brought to it in some order."""

    def __init__(self, wait: int) -> None:
        self.done: dict[int, list[float] | None] = {}
        self.refused: list[int] = []
        self.ledger = Ledger()
        self.mixed = TextJoin(
            FACTS,
            ["said"],
            wait,
            ledger=self.ledger,
            done=self._take,
            refuse=lambda window: self.refused.append(window.index),
        )

    def _take(self, window: Segment, inputs: Sequence[Floats] | None) -> None:
        assert window.index not in self.done
        self.done[window.index] = None if inputs is None else [float(one[0]) for one in inputs]


def segment(index: int, start: int, stop: int) -> Segment:
    return Segment("s", index, Span(start, stop, 10), np.zeros(0, np.float32))


def value(number: float) -> Answer:
    return Answer(read_only(np.array([number])))


def windows() -> list[Segment]:
    return [segment(k, max(0, (k + 1) * BLOCK - WINDOW), (k + 1) * BLOCK) for k in range(BLOCKS)]


def run(wait: int, sentences: Sequence[Segment], lag: int, seed: int) -> Desk:
    """Blocks come in order; the transcriber answers ``lag`` blocks later, features whenever they like."""
    desk, shuffled = Desk(wait), random.Random(seed)
    late: list[tuple[int, Segment]] = []
    heard, told = 0, 0

    def features() -> None:
        shuffled.shuffle(late)
        while late and shuffled.random() < 0.6:
            kind, one = late.pop()
            if kind:
                desk.mixed.read(one, "said", value(100 + one.index))
            else:
                lost = one.index == 3
                desk.mixed.complete(one, None if lost else [value(one.index).values, value(-1).values])

    for window in [*windows(), *[None] * (lag + 1)]:
        if window is not None:
            heard = window.span.stop
        answered = heard - lag * BLOCK if window is not None else min(told + BLOCK, BLOCKS * BLOCK)
        if lag == 0 or answered > told:
            for sentence in sentences:
                if told < sentence.span.stop <= answered:
                    desk.mixed.said(sentence)
                    late.append((1, sentence))
            told = max(told, answered)
            desk.mixed.heard(told)
        if window is not None:
            desk.mixed.cut(window, silent=window.index == 5)
            if window.index != 5:
                late.append((0, window))
        features()
    desk.mixed.heard(None)
    while late:
        features()
    return desk


@st.composite
def talks(draw: st.DrawFn) -> list[Segment]:
    edges = sorted(draw(st.sets(st.integers(1, BLOCK * BLOCKS), min_size=2, max_size=12)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return [segment(at, start, stop) for at, (start, stop) in enumerate(pairs)]


@settings(deadline=None, max_examples=200)
@given(talk=talks(), wait=st.sampled_from([0, 7, 20, 500]), lag=st.integers(0, 4), seed=st.integers(0, 99))
def test_the_words_of_a_window_do_not_depend_on_when_they_come(
    talk: list[Segment], wait: int, lag: int, seed: int
) -> None:
    one, other = run(wait, talk, 0, 0), run(wait, talk, lag, seed)
    assert repr(sorted(one.done.items())) == repr(sorted(other.done.items()))
    assert set(one.done) == set(range(BLOCKS)) - {5}
    assert one.done[3] is None
    assert one.ledger.record() == other.ledger.record()
    assert one.ledger.settled
    assert other.ledger.settled


def test_inputs_are_in_the_order_of_training_and_what_is_missing_is_nan() -> None:
    desk = run(0, [segment(0, 2, 9)], 0, 0)
    assert desk.done[0] == [0, 100, -1]
    heard, said, seen = desk.done[11] or []
    assert (heard, seen) == (11, -1)
    assert np.isnan(said)


def test_sentences_and_windows_that_nobody_can_ask_for_are_let_go() -> None:
    desk = run(7, [segment(k, 10 * k, 10 * k + 9) for k in range(BLOCKS)], 0, 1)
    mixed = desk.mixed
    assert len(mixed._sentences) <= 4
    kept = (mixed._waiting, mixed._sentences._unread, mixed._audio, mixed._words, mixed._pending)
    assert not any(kept)

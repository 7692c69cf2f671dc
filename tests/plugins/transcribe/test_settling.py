"""Sentences settle while words arrive, by spaCy's rules, and none is lost or told twice."""

from __future__ import annotations

import sys
from functools import partial

import pytest
from stimmung.engine.errors import ConfigError
from stimmung.engine.types import Sentence, Word
from stimmung.plugins.transcribe import sentences
from stimmung.plugins.transcribe.sentences import split
from stimmung.plugins.transcribe.settling import Settling


def said(text: str, start: int = 0) -> list[Word]:
    """A word every 100 samples."""
    return [Word(start + 100 * at, start + 100 * at + 80, word, 1.0) for at, word in enumerate(text.split())]


def english() -> Settling:
    return Settling(partial(split, language="en"))


def test_a_sentence_settles_when_the_next_one_begins() -> None:
    settling, settled = english(), []
    for word in said("Mr. Darcy came. He left. Why"):
        settled.append(settling.add([word]))
    assert settled == [
        [], [], [],
        [Sentence(0, 280, "Mr. Darcy came.")],
        [],
        [Sentence(300, 480, "He left.")],
    ]  # fmt: skip


def test_a_pause_settles_what_is_open_and_only_once() -> None:
    settling = english()
    assert settling.add(said("no punctuation here")) == []
    assert settling.end() == [Sentence(0, 280, "no punctuation here")]
    assert settling.end() == []


def test_words_that_come_together_give_the_same_sentences() -> None:
    words = said("One. Two words! Is it three? Yes it is")
    one, other = english(), english()
    apart = [sentence for word in words for sentence in one.add([word])] + one.end()
    assert other.add(words) + other.end() == apart
    assert [sentence.text for sentence in apart] == ["One.", "Two words!", "Is it three?", "Yes it is"]


def test_words_that_overlap_by_rounding_make_sentences_that_do_not() -> None:
    settling = english()
    settling.add([Word(0, 100, "One.", 1.0)])
    settling.end()
    settling.add([Word(90, 90, "Two.", 1.0)])
    assert settling.end() == [Sentence(100, 101, "Two.")]


def test_signs_alone_are_no_sentence() -> None:
    settling = english()
    settling.add(said("… –"))
    assert settling.end() == []


def test_a_machine_without_spacy_says_so_before_anything_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    sentences._pipeline.cache_clear()
    with pytest.raises(ConfigError, match="spaCy is not installed"):
        sentences.splitter("en")


def test_a_language_without_rules_of_its_own_is_split_by_common_ones() -> None:
    assert sentences.splitter("ko")("One. Two.") == [(0, 4), (5, 9)]

"""Cues of any kind become sentences in time, and what had to be guessed is said."""

from __future__ import annotations

import pytest
from stimmung.plugins.transcribe.formats import Cue
from stimmung.plugins.transcribe.sentences import split
from stimmung.plugins.transcribe.timeline import sentences


def timed(*cues: Cue, duration_s: float = 10.0, language: str = "en") -> list[tuple[str, float, float]]:
    said, _ = sentences(cues, lambda text: split(text, language), duration_s)
    return [(one.text, round(one.start_s, 6), round(one.stop_s, 6)) for one in said]


def notes(*cues: Cue, duration_s: float = 10.0) -> list[str]:
    return sentences(cues, lambda text: split(text, "en"), duration_s)[1]


def test_a_sentence_takes_its_share_of_a_cue() -> None:
    assert timed(Cue("Go on. Stop it now.", 1.0, 2.9)) == [
        ("Go on.", 1.0, 1.6),
        ("Stop it now.", 1.7, 2.9),
    ]


def test_a_sentence_may_go_over_several_cues() -> None:
    assert timed(Cue("This is", 1.0, 2.0), Cue("one sentence.", 4.0, 5.3)) == [
        ("This is one sentence.", 1.0, 5.3)
    ]


def test_text_without_times_is_spread_over_the_recording() -> None:
    cues = Cue("Yes."), Cue("No no no no.")
    assert timed(*cues, duration_s=8.0) == [("Yes.", 0.0, 2.0), ("No no no no.", 2.0, 8.0)]
    assert notes(*cues) == ["2 of 2 cues have no times; they were spread over the time between"]


def test_missing_times_are_spread_between_those_that_are_known() -> None:
    assert timed(Cue("One.", 0.0, 1.0), Cue("Two."), Cue("Four."), Cue("Five.", 5.5, 6.5)) == [
        ("One.", 0.0, 1.0),
        ("Two.", 1.0, 3.0),
        ("Four.", 3.0, 5.5),
        ("Five.", 5.5, 6.5),
    ]


def test_a_missing_end_is_the_beginning_of_the_next_cue_or_the_end_of_all() -> None:
    assert timed(Cue("One.", 1.0), Cue("Two.", 3.0)) == [("One.", 1.0, 3.0), ("Two.", 3.0, 10.0)]


def test_overlaps_are_cut_and_reported() -> None:
    cues = Cue("One.", 0.0, 2.0), Cue("Two.", 1.0, 3.0), Cue("Three.", 1.5, 2.5)
    assert timed(*cues) == [("One.", 0.0, 2.0), ("Two.", 2.0, 3.0), ("Three.", 3.0, 3.0)]
    assert notes(*cues) == ["2 of 3 cues overlap the one before; they begin when it ends"]


def test_cues_in_disorder_are_sorted_and_reported() -> None:
    cues = Cue("Two.", 3.0, 4.0), Cue("One.", 1.0, 2.0)
    assert [text for text, _, _ in timed(*cues)] == ["One.", "Two."]
    assert notes(*cues) == ["the cues are not in the order of their times; they were sorted"]


def test_well_kept_cues_need_no_notes() -> None:
    assert notes(Cue("One.", 1.0, 2.0), Cue("Two.", 2.0, 4.0)) == []


def test_no_cues_are_no_sentences() -> None:
    assert timed() == []


@pytest.mark.parametrize(
    ("language", "text", "parts"),
    [
        ("en", "It took 3.5 hours. Really? Yes!", ["It took 3.5 hours.", "Really?", "Yes!"]),
        ("de", "Ich bin z.B. müde. Und du?  Gut!", ["Ich bin z.B. müde.", "Und du?", "Gut!"]),
    ],
)
def test_sentences_are_split_in_both_languages(language: str, text: str, parts: list[str]) -> None:
    assert [text[start:stop] for start, stop in split(text, language)] == parts

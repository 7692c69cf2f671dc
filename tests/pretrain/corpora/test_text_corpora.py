"""EmoBank and XED as published: classes, partitions that share no document, lines that are left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from stimmung.engine.errors import InputError
from stimmung.pretrain.corpora.targets import Targets
from stimmung.pretrain.corpora.text_corpora import read_emobank, read_xed


@pytest.fixture
def emobank(tmp_path: Path) -> Path:
    lines = ["id,split,V,A,D,text"]
    for number in range(90):
        split = "dev" if number >= 60 else "train"
        value = 1 + (number % 30) / 10
        lines.append(
            f"doc{number // 3}_{number}_{number + 9},{split},{value},{4 - value / 2},3,Line {number}."
        )
    lines.append('doc0_900_901,train,3,3,3,"  "')
    (tmp_path / "emobank.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_classes_are_the_tertiles_of_the_training_sentences(emobank: Path) -> None:
    valence = read_emobank(emobank, "valence")
    assert valence.labels == ("low", "medium", "high")
    training = [label for label, part in zip(valence.truth, valence.parts, strict=True) if part != "test"]
    assert {label: training.count(label) for label in valence.labels} == {"low": 20, "medium": 20, "high": 20}
    arousal = read_emobank(emobank, "arousal")
    assert arousal.truth[0] == "high"
    assert valence.truth[0] == "low"


def test_the_published_dev_split_is_the_test_and_documents_are_on_one_side(emobank: Path) -> None:
    corpus = read_emobank(emobank, "valence")
    assert len(corpus.texts) == 90
    assert set(corpus.parts[60:]) == {"test"}
    assert set(corpus.parts[:60]) == {"train", "dev"}
    side = {}
    for document, part in zip(corpus.documents, corpus.parts, strict=True):
        assert side.setdefault(document, part) == part


def test_lines_of_mixed_emotions_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "en-annotated.tsv").write_text(
        "So glad!\t5, 8\nYou liar.\t1\nGlad and sad.\t5, 6\nWait for it.\t2\nbroken line\n"
        "Mad, and waiting.\t1, 2\n"
    )
    (tmp_path / "neu_en.txt").write_text("9\tThe door is open.\n")
    corpus = read_xed(tmp_path, "en", Targets())
    assert corpus.labels == ("negative", "neutral", "positive")
    assert list(zip(corpus.texts, corpus.truth, strict=True)) == [
        ("So glad!", "positive"),
        ("You liar.", "negative"),
        ("Mad and waiting.", "negative"),
        ("The door is open.", "neutral"),
    ]


def test_english_lines_do_not_tell_their_file(tmp_path: Path) -> None:
    (tmp_path / "en-annotated.tsv").write_text(
        "- Well , [PERSON] , I'm so glad we met Bob here !\t5\n"
        'I sold [LOCATION] \'s " three - time loser " .\t1\n[PERSON] .\t5\n'
    )
    (tmp_path / "neu_en.txt").write_text("9\tWell Bob I'm here. Mr Jones isn't.\n")
    corpus = read_xed(tmp_path, "en", Targets())
    assert corpus.texts == (
        "Well I'm so glad we met here!",
        "I sold's three time loser.",
        "Well I'm here. Mr isn't.",
    )


def test_german_lines_stay_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "de-projections.tsv").write_text("- Ja, Anna, [lacht] schön!\t5\n")
    assert read_xed(tmp_path, "de", Targets()).texts == ("- Ja, Anna, [lacht] schön!",)


def test_a_line_that_occurs_twice_is_on_one_side(tmp_path: Path) -> None:
    lines = [f"Satz {number}\t{5 if number % 2 else 1}" for number in range(300)]
    (tmp_path / "de-projections.tsv").write_text("\n".join(lines + [line.upper() for line in lines]) + "\n")
    corpus = read_xed(tmp_path, "de", Targets())
    assert corpus.labels == ("negative", "positive")
    assert corpus.parts[:300] == corpus.parts[300:]
    assert 0.6 < corpus.parts.count("train") / 600 < 0.8


def test_a_corpus_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read '.*emobank\.csv', got No such file"):
        read_emobank(tmp_path, "valence")


def test_the_real_corpora_are_as_large_as_published(corpora: Path) -> None:
    bank = read_emobank(corpora / "emobank", "valence")
    assert (len(bank.texts), bank.parts.count("test")) == (9062, 1000)
    german, english = (read_xed(corpora / "xed", language, Targets()) for language in ("de", "en"))
    assert len(german.texts) > 4000
    assert len(english.texts) > 20000

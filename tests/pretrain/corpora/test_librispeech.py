"""LibriSpeech as it is published, or as a corpus.csv; speakers held out are the same everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from stimmung.engine.errors import InputError
from stimmung.pretrain.corpora.corpus import Corpus, Item
from stimmung.pretrain.corpora.librispeech import hold_out, read_speech

SPEAKERS = """;ID  |SEX| SUBSET           |MINUTES| NAME
14   | F | train-clean-100  | 25.03 | Kristin LeMoine
16   | M | train-clean-100  | 25.11 | Alys | Attewater
17   | M | test-other       | 25.04 | Gord Mackenzie
"""


@pytest.fixture
def published(tmp_path: Path) -> Path:
    (tmp_path / "SPEAKERS.TXT").write_text(SPEAKERS)
    for chapter in (
        "train-clean-100/14/208",
        "train-clean-100/14/209",
        "train-clean-100/16/1",
        "test-other/17/3",
    ):
        (tmp_path / chapter).mkdir(parents=True)
        (tmp_path / chapter / f"{chapter.split('/', 1)[1].replace('/', '-')}-0000.flac").touch()
    return tmp_path


def test_the_published_folders_are_read_with_their_speakers(published: Path) -> None:
    items = read_speech(published, "train-clean-100").items
    assert [(item.file.name, item.speaker, item.label) for item in items] == [
        ("14-208-0000.flac", "14", "f"),
        ("14-209-0000.flac", "14", "f"),
        ("16-1-0000.flac", "16", "m"),
    ]


def test_a_corpus_csv_is_read_by_its_subset(tmp_path: Path) -> None:
    (tmp_path / "a.flac").touch()
    (tmp_path / "b.flac").touch()
    table = "file,speaker,gender,subset\na.flac,1,f,train-clean-100\nb.flac,2,m,test-other\n"
    (tmp_path / "corpus.csv").write_text(table)
    (item,) = read_speech(tmp_path, "test-other").items
    assert (item.speaker, item.label) == ("2", "m")


def test_as_many_women_as_men_are_held_out_and_heard_nowhere_else() -> None:
    speakers = [(f"{number:02}", "f" if number % 2 else "m") for number in range(20)]
    items = tuple(Item(Path(f"{name}-{take}"), name, sex) for name, sex in speakers for take in range(2))
    training, watching = hold_out(Corpus("speech", items), 6)
    assert watching.speakers == ["14", "15", "16", "17", "18", "19"]
    assert not set(training.speakers) & set(watching.speakers)
    assert len(training.items) + len(watching.items) == len(items)
    assert hold_out(Corpus("speech", items[::-1]), 6)[1].speakers == watching.speakers


def test_what_is_missing_is_named(published: Path) -> None:
    with pytest.raises(InputError, match="no recording in"):
        read_speech(published, "dev-clean")
    stranger = published / "test-other" / "99" / "1"
    stranger.mkdir(parents=True)
    (stranger / "99-1-0000.flac").touch()
    with pytest.raises(InputError, match=r"speaker '99' of .* is not in SPEAKERS\.TXT"):
        read_speech(published, "test-other")
    (published / "SPEAKERS.TXT").write_text("14 | X | train\n")
    with pytest.raises(InputError, match=r"SPEAKERS\.TXT line 1 is malformed, got 14 | X"):
        read_speech(published, "test-other")


def test_too_few_speakers_to_hold_out_is_an_error(published: Path) -> None:
    with pytest.raises(InputError, match="has too few speakers to hold 20 out, got 2"):
        hold_out(read_speech(published, "train-clean-100"), 20)

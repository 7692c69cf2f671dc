"""A transcript that exists is found, told in time, and never goes beyond the recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from stimmung.engine.errors import ConfigError, StimmungError
from stimmung.engine.types import Sentence
from stimmung.plugins.transcribe.provided import Provided

RATE = 16000
CSV = "start,end,text\n0,1,One.\n1,2,Two.\n2.5,9,Three.\n9,10,Four.\n"


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.zeros(3 * RATE), RATE)
    return path


def all_of(provided: Provided, seconds: float = 3.0) -> list[str]:
    provided.hear(0, np.zeros(round(seconds * RATE), np.float32))
    return [one.text for one in provided.finish()]


def test_a_sentence_is_told_once_its_end_was_heard(talk: Path) -> None:
    talk.with_suffix(".csv").write_text(CSV)
    provided = Provided(talk)
    block = np.zeros(RATE // 2, np.float32)
    told = [list(provided.hear(at, block)) for at in range(0, 3 * RATE, RATE // 2)]
    assert told == [[], [Sentence(0, RATE, "One.")], [], [Sentence(RATE, 2 * RATE, "Two.")], [], []]
    assert list(provided.finish()) == [Sentence(5 * RATE // 2, 3 * RATE, "Three.")]


def test_the_file_with_the_finest_times_is_taken(talk: Path) -> None:
    for suffix in (".txt", ".csv", ".srt"):
        talk.with_suffix(suffix).write_text(f"text\n{suffix[1:]}.\n")
    talk.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nsrt.\n")
    assert [one.text for one in Provided(talk).hear(0, np.zeros(3 * RATE, np.float32))] == ["srt."]
    talk.with_suffix(".ctm").write_text("talk 1 0 1 ctm.\n")
    assert [one.text for one in Provided(talk).hear(0, np.zeros(3 * RATE, np.float32))] == ["ctm."]


@pytest.mark.parametrize("cell", ["One. Two.", "texts/one.txt"])
def test_a_corpus_names_the_transcript_or_holds_it(talk: Path, cell: str) -> None:
    (talk.parent / "texts").mkdir()
    (talk.parent / "texts" / "one.txt").write_text("One. Two.")
    corpus = talk.parent / "corpus.csv"
    corpus.write_text(f"file,speaker,said\nother.wav,a,No.\n./talk.wav,a,{cell}\n")
    told = Provided(talk, corpus=str(corpus), column="said").hear(0, np.zeros(3 * RATE, np.float32))
    assert [one.text for one in told] == ["One.", "Two."]


def test_what_was_guessed_is_noted_and_logged(talk: Path, caplog: pytest.LogCaptureFixture) -> None:
    talk.with_suffix(".txt").write_bytes("Tschüss. Schön.".encode("cp1252"))
    provided = Provided(talk, language="de")
    assert len(provided.notes) == 2
    assert "read as Windows-1252" in provided.notes[0]
    assert "1 of 1 cues have no times" in provided.notes[1]
    assert [record.message for record in caplog.records] == provided.notes


def test_what_cannot_be_provided_is_named(talk: Path) -> None:
    corpus = talk.parent / "corpus.csv"
    corpus.write_text("file,transcript\ntalk.wav,\n")

    def told(origin: Path | None, **options: str) -> str:
        with pytest.raises(StimmungError) as caught:
            Provided(origin, **options)
        return f"{type(caught.value).__name__}: {caught.value}"

    assert "InputError: no transcript beside" in told(talk)
    assert "InputError: transcriber 'provided' needs a recording that is a file" in told(None)
    assert "ConfigError: sentences of language 'fr' cannot be split" in told(talk, language="fr")
    assert "has an empty cell" in told(talk, corpus=str(corpus))
    assert "has no row for" in told(talk.with_name("x.wav"), corpus=str(corpus))
    assert "cannot read corpus" in told(talk, corpus="nowhere.csv")
    talk.with_suffix(".txt").write_text("Hello.")
    talk.write_bytes(b"noise")
    assert "cannot tell how long" in told(talk)


def test_languages_are_checked_before_files() -> None:
    with pytest.raises(ConfigError, match="expected de or en"):
        Provided(Path("nowhere.wav"), language="xx")

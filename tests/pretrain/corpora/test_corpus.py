"""A corpus.csv is read as it stands, or refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from stimmung.engine.errors import InputError
from stimmung.pretrain.corpora.corpus import Item, read_corpus


def write(folder: Path, text: str) -> Path:
    for name in ("a.wav", "b.wav"):
        (folder / name).touch()
    path = folder / "corpus.csv"
    path.write_text(text)
    return path


def test_items_are_read_in_order_and_further_columns_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, "emotion,file,age,speaker\nsad,b.wav,30,y\nhappy,a.wav,40,x\n")
    corpus = read_corpus(path, "emotion", ["happy", "sad"])
    assert corpus.items == (Item(tmp_path / "b.wav", "y", "sad"), Item(tmp_path / "a.wav", "x", "happy"))
    assert corpus.speakers == ["x", "y"]
    assert corpus.name == tmp_path.name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'file', got no header"),
        ("file,speaker,emotions\n", r"no column 'emotion'.*did you mean 'emotions'\?"),
        ("file,speaker,emotion\n", "is empty"),
        ("file,speaker,emotion\na.wav,x,joy\n", "line 2: unknown emotion 'joy', expected one of happy, sad"),
        ("file,speaker,emotion\na.wav,x\n", "line 2: unknown emotion ''"),
        (
            "file,speaker,emotion\na.wav,x,sad\nc.wav,x,sad\n",
            r"1 of 2 rows name no file that exists, got line 3 column 'file': 'c\.wav'",
        ),
        ("file,speaker,emotion\na.wav,,sad\n", "line 2 has an empty cell, got nothing in column 'speaker'"),
        ("file,speaker,emotion\na.wav,x,sad\na.wav,y,sad\n", r"lists 1 file twice, got '.*a\.wav' in line 2"),
    ],
)
def test_a_corpus_that_cannot_be_trusted_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_corpus(write(tmp_path, text), "emotion", ["happy", "sad"])


def test_a_corpus_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read corpus '.*none\.csv', got No such file"):
        read_corpus(tmp_path / "none.csv", "emotion", [])


def test_a_corpus_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corpus.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a CSV file in UTF-8"):
        read_corpus(path, "emotion", [])

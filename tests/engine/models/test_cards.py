"""Model cards: nothing of a model is believed before its card and its files agree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from stimmung.engine.errors import ModelError
from stimmung.engine.models.cards import (
    Card,
    CardInput,
    TrainedOn,
    find_model,
    load_card,
    shipped_models,
    verify,
    write_card,
)
from stimmung.engine.plugin import Input

CARD = Card(
    name="mood",
    plugin="svm",
    target="emotion",
    labels=["happy", "sad"],
    rate=16000,
    inputs=[CardInput("hsf", 6373, "1", {"deltas": True})],
    trained_on=TrainedOn("tones", "nobody 2020", "none", clips=10, speakers=2, hours=0.5),
    protocol="loso",
    figures={"uar": 0.8, "uar_ci95": [0.7, 0.9]},
    licence="MIT",
    intended_use="tests",
    limits="all",
    created="2026-01-01",
    versions={"numpy": "2"},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder of one file, with its card."""
    (tmp_path / "weights.bin").write_bytes(b"weights")
    write_card(tmp_path, CARD)
    return tmp_path


def test_a_card_reads_back_as_it_was_written(folder: Path) -> None:
    card = load_card(folder)
    assert msgspec.structs.replace(card, files={}) == CARD
    assert list(card.files) == ["weights.bin"]
    assert card.plugin_inputs() == (Input("hsf", 6373, "1"),)


def test_unaltered_files_pass(folder: Path) -> None:
    verify(folder, load_card(folder))


def test_an_altered_file_is_named_with_both_hashes_and_the_remedy(folder: Path) -> None:
    expected = load_card(folder).files["weights.bin"]
    (folder / "weights.bin").write_bytes(b"Weights")
    with pytest.raises(ModelError, match=rf"weights\.bin.*got [0-9a-f]{{64}}, expected {expected}; .*train"):
        verify(folder, load_card(folder))


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "weights.bin").unlink()
    with pytest.raises(ModelError, match=r"weights\.bin.*No such file"):
        verify(folder, load_card(folder))


def test_a_card_that_vouches_for_no_file_passes_nothing(folder: Path) -> None:
    with pytest.raises(ModelError, match="names no file"):
        verify(folder, CARD)


def test_a_card_cannot_reach_out_of_its_folder(folder: Path) -> None:
    path = folder / "card.toml"
    path.write_text(path.read_text().replace('"weights.bin"', '"../weights.bin"'))
    with pytest.raises(ModelError, match="outside its folder"):
        load_card(folder)


def test_an_unknown_key_is_answered_with_the_nearest(folder: Path) -> None:
    path = folder / "card.toml"
    path.write_text(path.read_text().replace("licence = ", "license = ", 1))
    with pytest.raises(ModelError, match=r"unknown key 'license'.*did you mean 'licence'\?"):
        load_card(folder)


@pytest.mark.parametrize("content", ["name = 3", "not toml", "", "\0"])
def test_a_card_that_is_none_is_one_clear_error(folder: Path, content: str) -> None:
    (folder / "card.toml").write_text(content)
    with pytest.raises(ModelError, match=r"card\.toml"):
        load_card(folder)


def test_a_folder_is_found_by_its_path(folder: Path) -> None:
    assert find_model(str(folder)) == folder


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no card\.toml"):
        find_model(tmp_path)


def test_every_shipped_model_is_found_by_name_and_unaltered() -> None:
    assert "emotion_hsf_svm" in shipped_models()
    for name, path in shipped_models().items():
        assert find_model(name) == path
        card = load_card(path)
        assert card.name == name
        verify(path, card)


def test_a_misspelt_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"did you mean 'emotion_hsf_svm'\?"):
        find_model("emotion_hfs_svm")


def test_reading_cards_imports_no_learning_library() -> None:
    heavy = "{'sklearn', 'scipy', 'torch'}"
    code = f"import sys, stimmung.engine.models.cards; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

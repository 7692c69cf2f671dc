"""Sentences are trained on, evaluated and swept as recordings are: documents stand for speakers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from stimmung.engine.errors import ConfigError, ProtocolError
from stimmung.engine.models.cards import load_card
from stimmung.pretrain.cli.evaluate import command
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.evaluation.folds import read_protocol
from stimmung.pretrain.train import train

RECIPE = """
name = "smile"
target = "valence"
labels = ["low", "medium", "high"]
protocol = "groups:3"
[[extractors]]
plugin = "{extractor}"
[classifier]
plugin = "svm"
c = 1.0
[about]
corpus = "marks"
citation = "none"
corpus_licence = "none"
licence = "none"
intended_use = "tests"
limits = "marks are no feelings"
"""


@pytest.fixture
def emobank(tmp_path: Path) -> Path:
    """Twelve documents of six sentences, whose valence is in their marks."""
    folder = tmp_path / "bank"
    folder.mkdir()
    lines = ["id,split,V,A,D,text"]
    for number in range(72):
        level = number % 3
        text = f"Sentence {number}{'?.!'[level]}"
        lines.append(
            f"doc{number // 6}_{number}_{number},{'dev' if number >= 60 else 'train'},{1 + level},3,3,{text}"
        )
    (folder / "emobank.csv").write_text("\n".join(lines) + "\n")
    return folder


def written(tmp_path: Path, extractor: str = "acme-spelling") -> Path:
    path = tmp_path / "smile.toml"
    path.write_text(RECIPE.format(extractor=extractor))
    return path


def test_a_model_of_sentences_has_a_card_like_any_other(tmp_path: Path, emobank: Path) -> None:
    card = load_card(train(written(tmp_path), emobank, tmp_path / "model"))
    assert [(entry.name, entry.dim) for entry in card.inputs] == [("acme-spelling", 2)]
    assert (card.trained_on.clips, card.trained_on.speakers, card.labels) == (
        72,
        12,
        ["high", "low", "medium"],
    )
    assert card.figures["uar"] == 1.0
    assert card.protocol.startswith("groups:3: ")


def test_documents_are_kept_apart_in_an_evaluation(tmp_path: Path, emobank: Path) -> None:
    report = evaluate(written(tmp_path), emobank, "groups:4", tmp_path / "out")
    tested = [fold["test_speakers"] for fold in report["per_fold"]]
    assert [len(group) for group in tested] == [3, 3, 3, 3]
    assert len({name for group in tested for name in group}) == 12
    assert report["n"] == 72


def test_an_extractor_of_audio_cannot_read_sentences(tmp_path: Path, emobank: Path) -> None:
    with pytest.raises(ConfigError, match="extractor 'toy' reads no sentences, got corpus 'EmoBank'"):
        evaluate(written(tmp_path, "toy"), emobank, "groups:4", tmp_path / "out")


def test_groups_must_suit_the_speakers() -> None:
    assert [fold.test for fold in read_protocol("groups:2", "dbca")] == [("a", "c"), ("b", "d")]
    for number in ("1", "5", "many"):
        with pytest.raises((ConfigError, ProtocolError), match="expected 2 to 4 groups"):
            read_protocol(f"groups:{number}", "abcd")


def test_emotions_of_a_known_corpus_are_evaluated_as_arousal(
    tmp_path: Path, recipe: Callable[..., Path], corpus: Path
) -> None:
    corpus = corpus.parent.rename(tmp_path / "emodb4")
    path = recipe()
    text = path.read_text().replace('target = "emotion"', 'target = "arousal"')
    path.write_text(text)
    with pytest.raises(ConfigError, match="recipe 'toy_emotion' lacks labels of its target"):
        evaluate(path, corpus, "loso", tmp_path / "out")
    emotions = 'labels = ["anger", "happiness", "neutral", "sadness"]'
    path.write_text(text.replace(emotions, 'labels = ["low", "medium", "high"]'))
    report = evaluate(path, corpus, "loso", tmp_path / "out")
    assert report["labels"] == ["low", "medium", "high"]
    assert [sum(row) for row in report["confusion"]] == [12, 12, 24]


def test_the_sweep_is_a_protocol_of_evaluate(
    tmp_path: Path, recipe: Callable[..., Path], corpus: Path
) -> None:
    out = tmp_path / "out"
    arguments = [
        str(recipe("windows_s = [0.3]")),
        "--corpus",
        str(corpus),
        "--protocol",
        "sweep",
        "--out",
        str(out),
    ]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    table = [line.split(" | ")[0].strip("| ") for line in result.stdout.splitlines() if line.startswith("|")]
    assert table[2:] == ["1e-05", "0.0001", "0.001", "0.01", "0.1", "1"]
    figures = json.loads((out / "sweep.json").read_text())
    assert figures["test"]["narratives"] == 48
    assert figures["test"]["n"] > 48
    assert figures["test"]["after"] > 0.8
    assert len(figures["chosen"]) == 4
    assert (out / "confusion.png").read_bytes().startswith(b"\x89PNG")

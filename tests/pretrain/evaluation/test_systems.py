"""Selection, continuous targets, reports and comparisons, from end to end on tones."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file
from stimmung.engine.errors import InputError, ProtocolError
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.evaluation.folds import Fold
from stimmung.pretrain.evaluation.model_selection import select
from stimmung.pretrain.evaluation.significance import compare
from stimmung.pretrain.train import train

WriteRecipe = Callable[..., Path]
PITCH_HZ = {"anger": 330.0, "happiness": 260.0, "neutral": 180.0, "sadness": 120.0}

CONTINUOUS = """
name = "pitch"
target = "pitch"
range = [100.0, 400.0]
{extra}
[[extractors]]
plugin = "toy"
"""


def test_options_are_selected_on_training_speakers_and_no_other() -> None:
    heard: list[set[str]] = []

    def judge(options: dict[str, Any], train: Any, held_out: Any) -> float:
        heard.append({*train, *held_out})
        assert not set(train) & set(held_out)
        return -abs(options["c"] - 2)

    fold = Fold("1", ("a", "b", "c", "d"), ("e",))
    options, speakers = select({"c": [1, 2, 3], "d": [0]}, fold, 3, judge)
    assert (options, speakers) == ({"c": 2, "d": 0}, fold.train)
    assert len(heard) == 3 * 3
    assert all(known == {"a", "b", "c", "d"} for known in heard)


def test_with_development_speakers_options_are_selected_on_them_and_then_trained_on_both() -> None:
    asked: list[tuple[Any, Any]] = []

    def judge(options: dict[str, Any], train: Any, held_out: Any) -> float:
        asked.append((train, held_out))
        return 0.0

    fold = Fold("1", ("a", "b"), ("e",), ("c",))
    options, speakers = select({"c": [1, 2]}, fold, 4, judge)
    assert asked == [(("a", "b"), ("c",))] * 2
    assert (options, speakers) == ({"c": 1}, ("a", "b", "c"))


SELECTING = "inner = 3\nselect = { c = [0.01, 1e-9] }\nprotocol = 'loso'"


def test_a_report_names_what_each_fold_selected(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    report = evaluate(recipe(SELECTING, c="1e-9"), corpus, "loso", tmp_path / "out")
    assert [fold["chosen"] for fold in report["per_fold"]] == [{"c": 0.01}] * 4
    assert report["uar"] > 0.9


def test_a_model_is_trained_with_what_was_selected(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    selected = train(recipe(SELECTING, c="1e-9"), corpus, tmp_path / "selected") / "svm.safetensors"
    given = train(recipe(c="0.01"), corpus, tmp_path / "given") / "svm.safetensors"
    assert weights(selected) == weights(given)


def weights(path: Path) -> list[list[float]]:
    """Of a saved machine."""
    found: list[list[float]] = load_file(path)["weights"].tolist()
    return found


def test_every_figure_has_an_interval_over_speakers(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    report = evaluate(recipe("windows_s = [0.3]"), corpus, "groups:2", tmp_path / "out")
    parts = [report, report["windows"]["0.3 s"], *report["per_fold"]]
    for part in parts:
        for figure in ("uar", "wa", "ece"):
            low, high = part[f"{figure}_ci95"]
            assert low <= part[figure] + 1e-9
            assert part[figure] <= high + 1e-9 or figure == "ece"
    for own in report["recalls"].values():
        assert own["recall_ci95"][0] <= own["recall"] <= own["recall_ci95"][1]
    assert sum(entry["n"] for entry in report["calibration"]) == report["n"] == 48
    assert {name: own["n"] for name, own in report["per_speaker"].items()} == {f"s{k}": 12 for k in range(4)}


def test_one_speaker_alone_gives_no_interval(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    report = evaluate(recipe(), corpus, "loso", tmp_path / "out")
    assert {fold["uar_ci95"] for fold in report["per_fold"]} == {None}


@pytest.fixture
def pitches(corpus: Path) -> Path:
    """The tones with their pitch in Hz for a label, and partitions."""
    rows = list(csv.DictReader(corpus.open()))
    parts = {"s0": "train", "s1": "train", "s2": "dev", "s3": "test"}
    with corpus.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "speaker", "pitch", "partition"])
        writer.writeheader()
        for row in rows:
            pitch_hz = PITCH_HZ[row["emotion"]] + 8 * int(row["speaker"][1:])
            writer.writerow(
                {
                    "file": row["file"],
                    "speaker": row["speaker"],
                    "pitch": pitch_hz,
                    "partition": parts[row["speaker"]],
                }
            )
    return corpus


@pytest.mark.parametrize("protocol", ["loso", "partitions"])
def test_a_number_is_judged_by_its_concordance(pitches: Path, tmp_path: Path, protocol: str) -> None:
    path = tmp_path / "pitch.toml"
    path.write_text(CONTINUOUS.format(extra="select = { alpha = [1.0, 1e9] }"))
    report = evaluate(path, pitches, protocol, tmp_path / "out")
    assert report["ccc"] > 0.8
    assert {fold["chosen"]["alpha"] for fold in report["per_fold"]} == {1.0}
    assert report["n"] == (48 if protocol == "loso" else 12)
    if protocol == "loso":
        assert report["ccc_ci95"][0] <= report["ccc"] <= report["ccc_ci95"][1]
    else:
        assert report["ccc_ci95"] is None
    assert "CCC" in (tmp_path / "out" / "report.tex").read_text()


def test_a_label_that_is_no_number_is_refused(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "pitch.toml"
    path.write_text(CONTINUOUS.format(extra="").replace('target = "pitch"', 'target = "emotion"'))
    with pytest.raises(InputError, match="line 2: unknown emotion 'anger', expected a number"):
        evaluate(path, corpus, "loso", tmp_path / "out")


def test_two_systems_are_compared_on_the_same_recordings(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    evaluate(recipe(c="1e-9"), corpus, "loso", tmp_path / "weak")
    evaluate(recipe(), corpus, "loso", tmp_path / "good")
    found = compare(tmp_path / "weak", tmp_path / "good")
    reports = [json.loads((tmp_path / name / "report.json").read_text()) for name in ("weak", "good")]
    assert found["values"] == pytest.approx([report["uar"] for report in reports])
    assert found["difference_ci95"][0] <= found["difference"] <= found["difference_ci95"][1]
    assert found["p"] in {k / 16 for k in range(1, 17)}
    assert compare(tmp_path / "good", tmp_path / "good")["p"] == 1.0


def test_systems_of_different_protocols_are_not_compared(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    evaluate(recipe(), corpus, "loso", tmp_path / "one")
    evaluate(recipe(), corpus, "groups:2", tmp_path / "other")
    with pytest.raises(ProtocolError, match="cannot be compared, got 96 recordings that differ"):
        compare(tmp_path / "one", tmp_path / "other")
    with pytest.raises(InputError, match="holds no evaluation"):
        compare(tmp_path / "one", tmp_path)


class Page(HTMLParser):
    """What a page refers to, and whether its elements close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elsewhere += [value or "" for name, value in attributes if name in ("src", "href")]
        if tag == "script":
            self.elsewhere.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_says_everything(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    report = evaluate(recipe("windows_s = [0.3]"), corpus, "groups:2", tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    page = Page()
    page.feed(text)
    assert page.open == []
    assert page.elsewhere == []
    assert "url(" not in text
    assert text.count("<svg") == 3
    for part in ("Confusion", "Calibration", "By length of window", "By speaker", "Configuration"):
        assert f"<h2>{part}" in text
    assert f"{report['uar']:.3f}" in text
    assert "scikit-learn" in text


def test_latex_rows_have_a_cell_for_every_column(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    evaluate(recipe(), corpus, "loso", tmp_path / "out")
    head, *rows = (tmp_path / "out" / "report.tex").read_text().splitlines()
    assert len(rows) == 3
    for row in rows:
        assert row.count("&") == head.count("&") == 5
        assert row.endswith(r"\\")
        assert r"toy\_emotion" in row
        assert not re.search(r"(?<!\\)_", row)

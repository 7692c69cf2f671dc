"""A pipeline evaluated as it runs, on tones that it was trained on."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from stimmung.engine.errors import ConfigError, InputError
from stimmung.pretrain.cli.evaluate import command
from stimmung.pretrain.evaluation.shipped import evaluate_pipeline
from stimmung.pretrain.train import train
from tones import write_corpus

WriteRecipe = Callable[..., Path]

PIPELINE = """
[segments]
window_s = 0.5
hop_s = 0.25
shortest_s = 0.4
[[extractors]]
plugin = "toy"
[[classifiers]]
plugin = "svm"
model = "{model}"
[vote]
unsure_below = 0.4
"""


@pytest.fixture
def pipeline(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> Path:
    """A pipeline of a model trained on the tones."""
    train(recipe("windows_s = [0.5]"), corpus, tmp_path / "model")
    path = tmp_path / "tones.toml"
    path.write_text(PIPELINE.format(model=tmp_path / "model"))
    return path


def test_a_pipeline_is_judged_plain_live_and_everyday(pipeline: Path, corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = evaluate_pipeline(str(pipeline), [corpus], out, pause_s=0.5)
    assert json.loads((out / "report.json").read_text()) == report
    for condition in ("plain", "live", "everyday_80", "everyday_95"):
        assert report[condition]["unanswered"] == 0.0
        for figure in ("uar", "false_alarms", "emotions_right", "coverage"):
            low, high = report[condition][f"{figure}_ci95"]
            assert low <= high
    assert report["plain"]["n"] == report["live"]["n"] == 48
    assert report["everyday_80"]["draws"] == 3
    assert {"report.html", "confusion.png", "curve.png"} <= {path.name for path in out.iterdir()}
    rows = list(csv.DictReader((out / "predictions.csv").open()))
    live = [row for row in rows if row["condition"] == "live"]
    right = [row["true"] == row["answer"] for row in live]
    assert len(live) == 48
    assert sum(right) / 48 == pytest.approx(report["live"]["coverage"] * report["live"]["accuracy"])


def test_what_the_pipeline_takes_for_unlike_its_training_data_is_unsure(
    corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    described = recipe("windows_s = [0.5]")
    described.write_text(described.read_text().replace('plugin = "svm"\nc = 0.01', 'plugin = "linear"'))
    train(described, corpus, tmp_path / "model")
    path = tmp_path / "tones.toml"
    tables = PIPELINE.format(model=tmp_path / "model").replace('"svm"', '"linear"')
    found = {}
    for limit in (1e-6, 1e6):
        path.write_text(f"{tables}unsure_beyond = {limit}\n")
        report = evaluate_pipeline(str(path), [corpus], tmp_path / "out", pause_s=0.5)
        found[report["unsure_beyond"]] = report["plain"]["coverage"]
        assert report["plain"]["unanswered"] == 0.0
        assert f"beyond {limit:g} times the model's limit" in (tmp_path / "out/report.html").read_text()
    assert found[1e-6] == 0.0
    assert found[1e6] > 0.5


def test_answers_are_the_same_from_however_many_processes(
    pipeline: Path, corpus: Path, tmp_path: Path
) -> None:
    one, two = (
        evaluate_pipeline(str(pipeline), [corpus], tmp_path / str(jobs), pause_s=0.5, jobs=jobs)
        for jobs in (1, 2)
    )
    assert one == two


def test_labels_the_model_does_not_know_are_left_out_and_named_unless_they_have_an_alias(
    pipeline: Path, corpus: Path, tmp_path: Path
) -> None:
    theirs = corpus.read_text().replace(",anger", ",angry").replace(",sadness", ",bored")
    corpus.write_text(theirs)
    report = evaluate_pipeline(
        str(pipeline), [corpus], tmp_path / "out", pause_s=0.5, aliases={"angry": "anger"}
    )
    assert report["left_out"] == {"bored": 12}
    assert report["plain"]["recalls"].keys() == {"anger", "happiness", "neutral"}
    assert "12 bored" in (tmp_path / "out" / "report.html").read_text()


def test_a_corpus_of_other_labels_only_is_refused_with_the_remedy(
    pipeline: Path, corpus: Path, tmp_path: Path
) -> None:
    header, *rows = corpus.read_text().splitlines()
    corpus.write_text("\n".join([header, *(f"{row.rpartition(',')[0]},bored" for row in rows)]))
    with pytest.raises(InputError, match="--alias bored=anger"):
        evaluate_pipeline(str(pipeline), [corpus], tmp_path / "out")


def test_what_else_is_wrong_is_told_though_labels_were_left_out(
    pipeline: Path, corpus: Path, tmp_path: Path
) -> None:
    corpus.write_text(corpus.read_text().replace(",sadness", ",bored") + "gone.wav,s9,anger\n")
    with pytest.raises(InputError, match=r"1 of 37 rows name no file that exists, got line 50 .*'gone\.wav'"):
        evaluate_pipeline(str(pipeline), [corpus], tmp_path / "out")


def test_columns_of_other_names_are_told_on_the_command_line(
    pipeline: Path, corpus: Path, tmp_path: Path
) -> None:
    corpus.write_text(corpus.read_text().replace("file,speaker,emotion", "FileName;Spk;EmoClass"))
    corpus.write_text(corpus.read_text().replace(",", ";"))
    given = ["--corpus", str(corpus), "--out", str(tmp_path / "out"), "--pause", "0.5"]
    names = ["--column", "file=FileName", "--column", "speaker=Spk", "--column", "emotion=EmoClass"]
    done = CliRunner().invoke(command, ["--model", str(pipeline), *given, *names], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(command, [str(pipeline), *given, *names, "--protocol", "loso"])
    assert "a recipe has the keys aliases and columns" in " ".join(done.output.split())


def test_an_alias_of_no_label_is_refused(pipeline: Path, corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="angry"):
        evaluate_pipeline(str(pipeline), [corpus], tmp_path / "out", aliases={"mad": "angry"})


def test_several_corpora_have_figures_of_their_own_and_a_mean(
    pipeline: Path, corpus: Path, tmp_path: Path
) -> None:
    other = write_corpus(tmp_path / "others", speakers=2)
    report = evaluate_pipeline(str(pipeline), [corpus, other], tmp_path / "out", pause_s=0.5)
    both = [report["per_corpus"][name]["live"]["false_alarms"] for name in ("tones", "others")]
    assert report["live"]["false_alarms"] == pytest.approx(sum(both) / 2)
    assert report["live"]["corpora"] == 2


def test_read_speech_counts_as_neutral_in_the_subset_to_be_tested_on(
    pipeline: Path, corpus: Path, tmp_path: Path
) -> None:
    read = tmp_path / "read.csv"
    rows = [line.split(",") for line in corpus.read_text().splitlines()[1:]]
    subsets = [f"tones/{file},{who},{'test-other' if who == 's0' else 'train'}" for file, who, _ in rows]
    read.write_text("\n".join(["file,speaker,subset", *subsets]))
    report = evaluate_pipeline(str(pipeline), [corpus], tmp_path / "out", pause_s=0.5, read_speech=read)
    assert report["read"]["n"] == 12
    assert list(report["read"]["recalls"]) == ["neutral"]
    # Nine of the twelve tones are no neutral ones, and neither they nor the model know that they are read.
    assert report["read"]["false_alarms"] > 0.5


def test_the_command_prints_its_figures_and_refuses_what_contradicts_itself(
    pipeline: Path, corpus: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    given = ["--corpus", str(corpus), "--out", str(tmp_path / "out"), "--pause", "0.5"]
    done = CliRunner().invoke(command, ["--model", str(pipeline), *given])
    assert done.exit_code == 0, done.output
    assert "in a stream, with pauses: unweighted average recall" in done.output
    for wrong in ([], ["--model", "default", str(recipe())], ["--model", "default", "--protocol", "loso"]):
        assert CliRunner().invoke(command, [*wrong, *given]).exit_code == 2

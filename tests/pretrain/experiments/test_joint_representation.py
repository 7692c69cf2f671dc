"""The second paper's report: resumed fold by fold, and its figures, on tones that a test can train on."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from stimmung.engine.registry import load
from stimmung.pretrain.cli.report import command
from stimmung.pretrain.experiments.joint_representation import systems
from stimmung.pretrain.experiments.joint_representation.findings import Outcome, differ, gather
from stimmung.pretrain.experiments.joint_representation.runs import (
    BenchDataset,
    Options,
    Result,
    Store,
    compute,
)
from stimmung.pretrain.experiments.joint_representation.systems import (
    EMODB,
    JOINT,
    LINEAR,
    RAVDESS,
    Bench,
    Run,
    plan,
)
from stimmung.pretrain.statistics.scored_predictions import ScoredPredictions
from stimmung.pretrain.training import fitting
from stimmung.pretrain.training.joint.dataset import Example
from stimmung.pretrain.training.joint.inference import padded
from stimmung.pretrain.training.joint.networks import EndToEnd
from stimmung.pretrain.training.joint.trainer import _heard
from tones import ABOUT, write_corpus

NETWORK = """
name = "small"
target = "emotion"
labels = [{labels}]
shortest_s = 0.4
{table}
[[extractors]]
plugin = "{first}"
{others}
[classifier]
plugin = "{head}"
{more}
"""
TRAINING = "[network]\njoint = [6]\n[training]\nepochs = 1\nbatch = 32\ndev_speakers = 1\n"
TOY = '[[extractors]]\nplugin = "toy"'


def write(
    path: Path, first: str, head: str, *, others: str = "", table: str = "", more: str = TRAINING
) -> None:
    bench = RAVDESS if path.name.startswith("ravdess") else EMODB
    labels = ", ".join(f'"{label}"' for label in bench.labels)
    path.write_text(
        NETWORK.format(first=first, head=head, others=others, table=table, more=more, labels=labels) + ABOUT
    )


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Recipes under the names of those that ship, of systems small enough for a test."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    write(folder / "crnn.toml", "crnn", "softmax")
    write(folder / "multi_crnn.toml", "multi_crnn", "softmax")
    for name in ("hsf_crnn.toml", "ravdess_hsf_crnn.toml"):
        write(folder / name, "crnn", "fusion_mlp", others=TOY)
    write(folder / "e2e_cnn_lstm.toml", "e2e_cnn_lstm", "softmax")
    for corpus in ("emotion", "ravdess"):
        write(folder / f"{corpus}_hsf_svm.toml", "toy", "svm", more="c = 0.01")
        stream = 'normalise = "stream"\nnormalisation = { orders = 2 }'
        write(folder / f"{corpus}_hsf_svm_stream.toml", "toy", "svm", more="c = 0.01", table=stream)
    monkeypatch.setattr(systems, "CONFIGS", folder)
    return folder


def tones(bench: Bench, corpora: Path, speakers: int) -> None:
    """A corpus of a few recordings a speaker, under the labels of the bench."""
    listed = write_corpus(corpora / bench.folder, speakers=speakers)
    with listed.open(encoding="utf-8", newline="") as file:
        rows = [row for place, row in enumerate(csv.DictReader(file)) if place % 12 < 8]
    lines = ["file,speaker,emotion"]
    for place, row in enumerate(rows):
        actor = int(row["speaker"].removeprefix("s")) + 1
        lines.append(f"{row['file']},{actor:02d},{bench.labels[place % len(bench.labels)]}")
    listed.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """Both corpora as folders, of tones."""
    (tmp_path / "corpora").mkdir()
    tones(EMODB, tmp_path / "corpora", 4)
    tones(RAVDESS, tmp_path / "corpora", 24)
    return tmp_path / "corpora"


@pytest.fixture
def small(corpora: Path) -> BenchDataset:
    return BenchDataset.of(EMODB, corpora)


def options(tmp_path: Path, corpora: Path) -> Options:
    return Options(corpora, tmp_path / "docs", tmp_path / "runs", tmp_path / "cache")


def test_one_command_trains_every_system_and_writes_the_page(
    tmp_path: Path, corpora: Path, recipes: Path
) -> None:
    folders = [str(tmp_path / name) for name in ("docs", "runs", "cache")]
    arguments = ["paper2", "--corpora", str(corpora), "--seeds", "1", "--out", folders[0]]
    arguments += ["--runs", folders[1], "--cache", folders[2]]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    page = (tmp_path / "docs" / "joint_representation.md").read_text(encoding="utf-8")
    assert "not run" not in page
    assert "not there yet" not in page
    assert page.count("plain CRNN < multi-CRNN < HSF-CRNN") == 2
    assert page.count("By the 4 speakers of fold 1, by whom none of its settings was chosen,") == 1
    assert str(tmp_path) not in page
    figures = json.loads((tmp_path / "docs" / "joint_representation" / "figures.json").read_text())
    assert len(figures) == 2 * len(systems.SYSTEMS)
    for entry in figures:
        assert 0 <= entry["uar_ci95"][0] <= entry["uar"] <= entry["uar_ci95"][1] <= 1
    for name in ("windows_emodb4.png", "windows_ravdess.png", "coverage_emodb4.png", "coverage_ravdess.png"):
        assert f"(joint_representation/{name})" in page
        assert (tmp_path / "docs" / "joint_representation" / name).is_file()


def test_a_run_that_was_ended_goes_on_and_says_meanwhile_what_is_missing(
    tmp_path: Path, corpora: Path, small: BenchDataset, recipes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(LINEAR, EMODB, 0)
    materials, store, asked = {EMODB.name: small}, Store(tmp_path / "runs"), options(tmp_path, corpora)
    trained = []
    fit = fitting.fit
    monkeypatch.setattr(fitting, "fit", lambda *given: (trained.append(given[-1]), fit(*given))[1])

    def end_after(folds: int) -> None:
        ticks = iter([0.0] * (folds + 1) + [1e9])
        limited = replace(asked, minutes=1)
        compute([run], materials, store, limited, lambda *_: None, clock=lambda: next(ticks))

    end_after(3)
    assert len(trained) == 3
    findings = gather([run], materials, store)
    assert findings.missing == [(run, 3, 4)]
    assert findings.outcomes == []
    compute([run], materials, store, asked, lambda *_: None)
    assert len(trained) == 4
    assert len({tuple(speakers) for speakers in trained}) == 4
    (outcome,) = gather([run], materials, store).outcomes
    assert set(outcome.item.tolist()) == set(range(len(small.corpus.items)))


def test_a_result_of_another_recipe_is_none(
    tmp_path: Path, corpora: Path, small: BenchDataset, recipes: Path
) -> None:
    run, store = Run(LINEAR, EMODB, 0), Store(tmp_path / "runs")
    compute([run], {EMODB.name: small}, store, options(tmp_path, corpora), lambda *_: None)
    assert store.read(run, small, small.folds[0]) is not None
    write(recipes / "emotion_hsf_svm.toml", "toy", "svm", more="c = 0.1")
    assert store.read(run, small, small.folds[0]) is None


def test_another_seed_or_system_extracts_no_feature_again(
    tmp_path: Path, corpora: Path, small: BenchDataset, recipes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("features were there")

    asked, quiet = options(tmp_path, corpora), lambda *_: None
    linear = small.rows(LINEAR.on(EMODB, 0), asked.cache, quiet)
    monkeypatch.setattr(load("extractor", "toy"), "describe", never)
    joint = BenchDataset.of(EMODB, corpora).rows(JOINT.on(EMODB, 1), asked.cache, quiet)
    assert np.array_equal(linear.features[0], joint.features[1])


def test_one_seed_of_everything_comes_before_other_seeds_of_lesser_systems() -> None:
    runs = plan(3)
    assert [(run.system, run.seed) for run in runs[:3]] == [(JOINT, 0), (JOINT, 1), (JOINT, 2)]
    assert all(run.bench == EMODB for run in runs[:3])
    seeds = [run.seed for run in runs[3:]]
    assert seeds == sorted(seeds)
    assert len(runs) == len(set(runs)) == 2 * sum(system.seeds for system in systems.SYSTEMS)


BENCH = Bench("two", "two", ("calm", "loud"), "loso", (1.0, 2.0), ())


def outcome(rows: list[tuple[int, float, float]], true: list[int]) -> Outcome:
    """One seed on two labels: (recording, length of window, probability of the second label)."""
    item, window_s, second = (np.array(column) for column in zip(*rows, strict=True))
    probabilities = np.stack([1 - second, second], axis=1)[np.newaxis].astype(np.float32)
    speakers = [f"s{k % 2}" for k in item]
    judged = ScoredPredictions(BENCH.labels, np.array(true)[item], probabilities, speakers, 0)
    return Outcome(JOINT, BENCH, (0,), judged, item, window_s, probabilities, (1.0,), (1.0,))


def test_windows_count_one_by_one_and_recordings_once_after_the_vote() -> None:
    rows = [(0, 0.0, 0.1), (0, 1.0, 0.1), (0, 1.0, 0.2), (0, 1.0, 0.9)]
    rows += [(1, 0.0, 0.9), (1, 1.0, 0.8), (1, 1.0, 0.9), (1, 1.0, 0.3)]
    second, third, whole = outcome(rows, [0, 1]).curve()
    assert second["windows"]["uar"] == pytest.approx(2 / 3)
    assert second["voted"]["uar"] == 1
    assert second["cut"] == 1
    # Both are shorter than two seconds: heard whole.
    assert (third["cut"], third["n"], third["windows"]["uar"]) == (0, 2, 1)
    assert "voted" not in whole


def test_speakers_by_whom_nothing_was_chosen_are_judged_alone() -> None:
    own = outcome([(0, 0.0, 0.1), (1, 0.0, 0.9), (2, 0.0, 0.9), (3, 0.0, 0.9)], [0, 1, 0, 1])
    assert own.figures()["uar"] == 0.75
    assert replace(own, unseen=frozenset(["s0"])).of_unseen()["uar"] == 0.5
    assert replace(own, unseen=frozenset(["s1"])).of_unseen()["uar"] == 1


def test_more_is_right_of_what_is_left_above_a_threshold() -> None:
    rows = [(0, 0.0, 0.05), (1, 0.0, 0.95), (2, 0.0, 0.58), (3, 0.0, 0.58)]
    by_threshold = {own["threshold"]: own for own in outcome(rows, [0, 1, 0, 1]).coverage()}
    assert (by_threshold[0.5]["coverage"], by_threshold[0.5]["accuracy"]) == (1, 0.75)
    assert (by_threshold[0.6]["coverage"], by_threshold[0.6]["accuracy"]) == (0.5, 1)
    assert by_threshold[0.6]["ci95"] == [1, 1]


def test_a_system_differs_from_itself_by_nothing_and_from_a_worse_one_by_points() -> None:
    right = outcome([(0, 0.0, 0.1), (1, 0.0, 0.9)], [0, 1])
    wrong = outcome([(0, 0.0, 0.1), (1, 0.0, 0.2)], [0, 1])
    assert differ(right, right) == (0, 1)
    more, p = differ(wrong, right)
    assert more == 0.5
    assert 0 < p <= 1


def test_a_result_is_read_as_it_was_written(tmp_path: Path, small: BenchDataset, recipes: Path) -> None:
    run, store, fold = Run(LINEAR, EMODB, 0), Store(tmp_path), small.folds[0]
    given = Result(np.arange(2), np.zeros(2), np.ones((1, 2, 4), np.float32), {"c": 0.1}, 2.0, 1.0)
    store.write(run, small, fold, given)
    found = store.read(run, small, fold)
    assert found is not None
    assert np.array_equal(found.probabilities, given.probabilities)
    assert (found.chosen, found.wall_s, found.cpu_s) == (given.chosen, 2.0, 1.0)
    assert [path.suffix for path in tmp_path.rglob("fold_*")] == [".npz"]


def test_a_batch_heard_a_few_at_a_time_gives_what_it_gives_at_once() -> None:
    import torch
    from stimmung.plugins.extract.crnn import SEGMENTS

    random = np.random.default_rng(0)
    heard = [random.normal(size=n).astype(np.float32) for n in random.integers(9000, 30000, size=11)]
    network = EndToEnd(SEGMENTS).eval()
    batch, lengths = padded([Example(k, True, one) for k, one in enumerate(heard)])
    with torch.inference_mode():
        assert torch.allclose(network(batch, lengths), _heard(network, batch, lengths), atol=1e-6)

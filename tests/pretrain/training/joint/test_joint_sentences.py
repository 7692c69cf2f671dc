"""Joint training with sentences beside the audio: what trains is what runs, with words and without."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from shutil import copy, copytree
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from stimmung.engine.config.schema import PluginTable, describe
from stimmung.engine.errors import ConfigError, ProtocolError
from stimmung.engine.models.cards import load_card
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.types import Floats, Prediction
from stimmung.plugins.classify.fusion_mlp import FusionMlp
from stimmung.pretrain.corpora.corpus import Corpus
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.features.extraction import FeatureTable
from stimmung.pretrain.recipes.joint_recipe import JointRecipe
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.train import train
from stimmung.pretrain.training import fitting
from stimmung.pretrain.training.dataset import corpus_rows, read_items
from stimmung.pretrain.training.joint.export import JointTraining
from stimmung.pretrain.training.joint.networks import Branch
from stimmung.pretrain.training.joint.transcripts import Transcripts
from tiny import heeded, save_bert
from tones import RATE, write_corpus, write_joint

TOY = '[[extractors]]\nplugin = "toy"'
BERT = '[[extractors]]\nplugin = "bert"\nmodel = "{bert}"'
PROVIDED = '[transcript]\nplugin = "provided"\nwait_s = {wait_s}'
SAID = {"anger": "How sad.", "happiness": "A nice day.", "neutral": "It is.", "sadness": "Am I sad?"}
SRT = "1\n00:00:00,200 --> 00:00:00,550\nWhat a day!\n\n2\n00:00:01,250 --> 00:00:01,600\n{said}\n"


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("weights") / "bert")


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of 2 to 2.4 s, of which nobody wrote down what was said."""
    return write_corpus(tmp_path_factory.mktemp("silent") / "tones", speakers=6, longer_s=1.5)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first take of each emotion with sentences and their times, the second with a text alone."""
    path = write_corpus(tmp_path_factory.mktemp("spoken") / "tones", speakers=6, longer_s=1.5)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        said, recording = SAID[row["emotion"]], path.parent / row["file"]
        row["transcript"] = said if "_1." in row["file"] else ""
        if "_0." in row["file"]:
            row["transcript"] = f"{recording.stem}.srt"
            recording.with_suffix(".srt").write_text(SRT.format(said=said), encoding="utf-8")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def written(folder: Path, bert: Path, wait_s: float = 2.0, others: str = TOY, **changes: str) -> Path:
    settings = {"hearing": "crnn", "others": f"{others}\n{BERT.format(bert=bert)}", "head": "fusion_mlp"}
    settings |= {"transcript": PROVIDED.format(wait_s=wait_s), "branches": "{ crnn = [8], bert = [7] }"}
    return write_joint(folder, **{**settings, **changes})


def material(recipe: Path, corpus: Path) -> tuple[JointRecipe, Corpus, FeatureTable]:
    read = read_recipe(recipe)
    assert isinstance(read, JointRecipe)
    data = read_items(read, corpus)
    return read, data, corpus_rows(read, data, None)


def trained(recipe: Path, corpus: Path) -> JointTraining:
    read, data, rows = material(recipe, corpus)
    found = fitting.fit(read, data, rows, {}, data.speakers).trained
    assert isinstance(found, JointTraining)
    return found


def streamed(
    model: Path, transcript: dict[str, str], segments: dict[str, Any], wait_s: float, files: Sequence[Path]
) -> Floats:
    """What a pipeline of what was trained makes of all segments of these files."""
    heard, *others = load_card(model).inputs
    extractors = [{"plugin": heard.name, "model": str(model.parent / heard.options["model"])}]
    extractors += [{"plugin": entry.name, **entry.options} for entry in others]
    classifiers = [{"plugin": "fusion_mlp", "model": str(model), "wait_s": wait_s}]
    tables = {"segments": segments, "transcript": transcript, "extractors": extractors}
    found = []
    with Host(describe({**tables, "classifiers": classifiers}, "the test")) as host:
        for path in files:
            (feed,) = open_source(str(path)).feeds()
            for output in host.stream("s", origin=path).play(feed.chunks):
                if isinstance(output, Prediction):
                    found.append(list(output.probabilities.values()))
    return np.array(found)


@pytest.mark.parametrize(
    ("transcriber", "wait_s", "others"),
    [("provided", 0.0, TOY), ("provided", 2.0, TOY), ("provided", 2.0, ""), ("acme-clock", 0.5, TOY)],
    ids=["at once", "three inputs", "two inputs", "listening"],
)
def test_what_is_streamed_equals_the_network_that_was_trained(
    transcriber: str, wait_s: float, others: str, spoken: Path, bert: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    found = heeded(monkeypatch)
    listens = transcriber != "provided"
    transcript = {"plugin": transcriber, **({} if listens else {"corpus": str(spoken)})}
    table = f'[transcript]\nplugin = "{transcriber}"\nwait_s = {wait_s}'
    recipe, out = written(tmp_path, bert, others=others, transcript=table), tmp_path / "model"
    train(recipe, spoken, out)
    _, data, rows = material(recipe, spoken)
    said = np.array([listens or bool(item.transcript) for item in data.items])
    for window_s, segments in (
        (0.0, {"kind": "whole", "shortest_s": 0.4}),
        (0.6, {"window_s": 0.6, "hop_s": 0.3, "shortest_s": 0.6}),
    ):
        chosen = (rows.window_s == window_s) & said[rows.item]
        files = [data.items[k].file for k in np.unique(rows.item[chosen])]
        lived = streamed(out, transcript, segments, wait_s, files)
        expected = found[0].predict(rows.of(chosen))
        assert len(lived) == len(expected) >= 48
        assert np.abs(lived - expected).max() < 1e-5
        words = rows.features[-1][chosen]
        unsaid = np.isnan(words).any(axis=1)
        assert unsaid.any() == (window_s > 0 and not listens), "between the sentences there are no words"
        assert not unsaid.all()
        without = found[0].predict([*rows.of(chosen)[:-1], np.full_like(words, np.nan)])
        assert np.abs(without - expected)[~unsaid].max() > 1e-3, "words count"
    assert np.isnan(rows.features[-1][~said[rows.item]]).all()


def test_words_wait_as_in_a_pipeline(spoken: Path, bert: Path, tmp_path: Path) -> None:
    unsaid = [
        np.isnan(material(written(tmp_path, bert, wait_s), spoken)[2].features[2]).any(axis=1).sum()
        for wait_s in (0.0, 0.5, 2.0)
    ]
    assert unsaid[0] > unsaid[1] > unsaid[2]


def test_transcripts_beside_the_recordings_are_found_too(
    spoken: Path, silent: Path, bert: Path, tmp_path: Path
) -> None:
    corpus = Path(copytree(silent.parent, tmp_path / "beside")) / silent.name
    for path in spoken.parent.glob("*.srt"):
        copy(path, corpus.parent)
    recipe = written(tmp_path, bert)
    (_, data, rows), (_, _, named) = material(recipe, corpus), material(recipe, spoken)
    timed = np.array([item.file.with_suffix(".srt").is_file() for item in data.items])[rows.item]
    assert 0 < timed.sum() < len(timed)
    assert np.array_equal(rows.features[2][timed], named.features[2][timed], equal_nan=True)
    assert np.isnan(rows.features[2][~timed]).all()


def test_a_copy_at_another_speed_says_the_same_at_its_own_pace(
    spoken: Path, bert: Path, tmp_path: Path
) -> None:
    recipe = written(tmp_path, bert, above="speeds = [0.5]")
    _, data, rows = material(recipe, spoken)
    (slower,) = rows.copies
    whole = rows.features[2][rows.whole]
    assert np.array_equal(slower.features[2][slower.whole], whole, equal_nan=True)
    timed = PluginTable(plugin="provided", name="provided")
    said = [
        Transcripts(timed, corpus, RATE).of(corpus.items[0]).hear(0, np.zeros(9 * RATE, np.float32))
        for corpus in (data, data.at(0.5))
    ]
    assert [(one.start, one.stop) for one in said[1]] == [(2 * one.start, 2 * one.stop) for one in said[0]]
    trained(recipe, spoken)


def test_missing_words_count_as_what_they_gave_on_average(spoken: Path, bert: Path, tmp_path: Path) -> None:
    found = trained(written(tmp_path, bert), spoken)
    _, _, rows = material(written(tmp_path, bert), spoken)
    whole = [matrix[rows.whole] for matrix in rows.features]
    there = ~np.isnan(whole[2]).any(axis=1)
    assert 0 < there.sum() < len(there)
    joint = found.network.joint
    with torch.no_grad():
        features = torch.from_numpy(found.network.standards[1](whole[2][there]))
        given = torch.sigmoid(joint.branches["bert"].layers[0](features))
    average = joint.get_buffer("branches.bert.average")
    assert torch.allclose(average, given.mean(dim=0), atol=1e-6)
    assert average.std() > 0


def test_a_branch_takes_the_average_of_a_batch_in_training_and_its_own_afterwards() -> None:
    torch.manual_seed(0)
    branch = Branch(3, [4], 0.0)
    rows = torch.randn(5, 3)
    whole = branch(rows)
    rows[[1, 3]] = torch.nan
    found = branch(rows)
    assert torch.allclose(found[[0, 2, 4]], whole[[0, 2, 4]])  # other batches, other sums
    assert torch.allclose(found[[1, 3]], whole[[0, 2, 4]].mean(dim=0).expand(2, -1))
    found.sum().backward()
    assert all(torch.isfinite(weight.grad).all() and weight.grad.any() for weight in branch.parameters())
    branch.average.fill_(0.25)
    nothing = torch.full((2, 3), torch.nan)
    assert torch.equal(branch(nothing), torch.full((2, 4), 0.25))
    assert torch.equal(branch.eval()(rows)[[1, 3]], torch.full((2, 4), 0.25))


@pytest.mark.parametrize(
    ("training", "low", "high"), [("", 0.0, 0.0), ("withheld = { toy = 0.5 }", 0.3, 0.7)]
)
def test_inputs_are_withheld_from_a_share_of_the_rows_that_have_them(
    training: str, low: float, high: float, spoken: Path, bert: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    missing: list[torch.Tensor] = []
    forward = Branch.forward

    def noted(self: Branch, features: torch.Tensor) -> torch.Tensor:
        if self.training and self is toys[-1]:
            missing.append(features.isnan().all(dim=1))
        return forward(self, features)

    toys: list[Branch] = []
    init = Branch.__init__

    def made(self: Branch, before: int, layers: list[int], dropout: float) -> None:
        init(self, before, layers, dropout)
        if not layers:
            toys.append(self)

    monkeypatch.setattr(Branch, "forward", noted)
    monkeypatch.setattr(Branch, "__init__", made)
    trained(written(tmp_path, bert, training=training), spoken)
    assert len(missing) > 10
    assert low <= float(torch.cat(missing).float().mean()) <= high


def test_sentences_are_not_normalised_by_the_stream(spoken: Path, bert: Path, tmp_path: Path) -> None:
    above = 'normalise = "stream"\nnormalisation = { training = "both", orders = 2 }'
    train(written(tmp_path, bert, above=above), spoken, tmp_path / "model")
    model = FusionMlp(str(tmp_path / "model"))
    assert [one is not None for one in model.population] == [False, True, False]
    assert model.takes_missing


def test_evaluation_reports_all_inputs(spoken: Path, bert: Path, tmp_path: Path) -> None:
    report = evaluate(written(tmp_path, bert), spoken, "groups:2", tmp_path / "report")
    assert report["n"] == 72
    assert [(entry["name"], entry["dim"]) for entry in report["inputs"]] == [
        ("crnn", 384), ("toy", 40), ("bert", 32),
    ]  # fmt: skip
    assert report["config"]["transcript"]["wait_s"] == 2.0


def test_a_recipe_without_sentences_knows_no_more_keys_than_before(tmp_path: Path) -> None:
    read = read_recipe(Path("configs/hsf_crnn.toml"))
    told = msgspec.to_builtins(read)
    assert "transcript" not in told
    assert "withheld" not in told["training"]


def test_a_corpus_without_transcripts_is_refused(silent: Path, bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="has no transcripts"):
        material(written(tmp_path, bert), silent)


def test_a_head_that_refuses_what_is_incomplete_is_not_trained_on_it(
    spoken: Path, bert: Path, tmp_path: Path
) -> None:
    with pytest.raises(ProtocolError, match="rows without 'bert'"):
        trained(written(tmp_path, bert, missing="refuse"), spoken)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"transcript": ""}, "'bert' reads sentences, but this recipe has no transcript"),
        ({"hearing": 'bert"\nname = "words'}, "the first extractor is trained"),
        ({"options": "wait_s = 1.0"}, r"wait_s is no key of \[classifier\]"),
        ({"transcript": '[transcript]\nplugin = "provided"\nwait_s = -1.0'}, "wait_s is not usable"),
        ({"training": "withheld = { hsf = 0.1 }"}, "training.withheld names no extractor"),
        ({"training": "withheld = { crnn = 0.1 }"}, "training.withheld names no extractor"),
        ({"training": "withheld = { bert = 0.1 }", "missing": "refuse"}, "is trained on it"),
        ({"above": 'normalise = "stream"', "others": ""}, "another extractor of audio"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused(
    changes: dict[str, str], told: str, bert: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told):
        read_recipe(written(tmp_path, bert, **changes))


def test_a_transcript_that_nothing_reads_is_refused(bert: Path, tmp_path: Path) -> None:
    path = written(tmp_path, bert)
    text = path.read_text().replace(BERT.format(bert=bert), "")
    path.write_text(text.replace(", bert = [7]", ""))
    with pytest.raises(ConfigError, match="no extractor reads the sentences"):
        read_recipe(path)


@pytest.mark.parametrize(
    ("option", "told"), [('languages = "en"', "no option 'languages'"), ('language = "xx"', "language 'xx'")]
)
def test_an_option_of_the_transcript_that_is_unfit_is_refused(
    option: str, told: str, spoken: Path, bert: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told):
        material(written(tmp_path, bert, transcript=f'[transcript]\nplugin = "provided"\n{option}'), spoken)

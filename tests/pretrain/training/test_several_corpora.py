"""A recipe with [[corpora]]: each corpus matched to its table, labelled by it, and trained on together."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stimmung.engine.errors import ConfigError, ProtocolError
from stimmung.engine.models.cards import load_card
from stimmung.engine.types import Floats
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.recipes.recipe import Recipe
from stimmung.pretrain.train import train
from stimmung.pretrain.training.contract import Trained
from stimmung.pretrain.training.dataset import corpus_rows, read_items
from stimmung.pretrain.training.trainers import fit_speakers
from tones import ABOUT, write_corpus

LABELS = ["anger", "happiness", "neutral", "sadness"]
RECIPE = """
name = "several"
target = "emotion"
labels = ["anger", "happiness", "neutral", "sadness"]
{above}
{corpora}
[[extractors]]
plugin = "toy"
[classifier]
plugin = "svm"
c = 0.01
"""
WriteSeveral = Callable[..., Path]


@pytest.fixture
def several(tmp_path: Path) -> WriteSeveral:
    def write(corpora: str = "", above: str = "") -> Path:
        path = tmp_path / "several.toml"
        path.write_text(RECIPE.format(corpora=corpora, above=above) + ABOUT)
        return path

    return write


def table(name: str, more: str = "") -> str:
    return f'[[corpora]]\nname = "{name}"\n{more}\n'


def relabelled(path: Path, names: dict[str, str], column: str = "emotion") -> Path:
    """The corpus with other names for its labels."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [f"file,speaker,{column}"]
    lines += [f"{row['file']},{row['speaker']},{names.get(row['emotion'], row['emotion'])}" for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Corpora "one" and "other": other pitches, and its own names for two labels."""
    one = write_corpus(tmp_path / "one", speakers=3)
    other = write_corpus(tmp_path / "other", speakers=2, longer_s=0.05)
    return [one, relabelled(other, {"anger": "angry", "neutral": "calm"})]


OTHER = table("other", 'aliases = {angry = "anger"}\nothers = "leave_out"')


def test_every_corpus_is_read_by_its_own_table(several: WriteSeveral, two: list[Path]) -> None:
    data = read_items(read_recipe(several(table("one") + OTHER)), two)
    of = {name: [item.label for item in data.items if item.corpus == name] for name in ("one", "other")}
    assert len(of["one"]) == 36
    assert len(of["other"]) == 18
    assert sorted(set(of["other"])) == ["anger", "happiness", "sadness"]
    assert data.speakers == ["one/s0", "one/s1", "one/s2", "other/s0", "other/s1"]


def test_the_order_of_corpora_need_not_be_that_of_the_tables(several: WriteSeveral, two: list[Path]) -> None:
    data = read_items(read_recipe(several(OTHER + table("one"))), [two[1].parent, two[0]])
    assert data.name == "other + one"


def test_all_recordings_of_a_corpus_may_have_one_label(several: WriteSeveral, two: list[Path]) -> None:
    relabelled(two[1], {}, column="unused")
    recipe = read_recipe(several(table("one") + table("other", 'label = "neutral"')))
    assert {item.label for item in read_items(recipe, two).items if item.corpus == "other"} == {"neutral"}


def test_only_the_rows_asked_for_are_read(several: WriteSeveral, two: list[Path]) -> None:
    recipe = read_recipe(several(table("one", 'where = {speaker = "s1"}') + OTHER))
    assert "one/s0" not in read_items(recipe, two).speakers


def test_a_table_may_have_names_of_its_own_for_columns(several: WriteSeveral, two: list[Path]) -> None:
    for path in two:
        path.write_text(path.read_text().replace("file,speaker,emotion", "FileName,Spk,EmoClass"))
    theirs = 'columns = {file = "FileName", speaker = "Spk", emotion = "EmoClass"}'
    assert len(read_items(read_recipe(several(above=theirs)), two[0]).items) == 36
    data = read_items(read_recipe(several(table("one") + OTHER, above=theirs)), two)
    assert len(data.items) == 36 + 18
    two[0].write_text(two[0].read_text().replace("FileName,Spk,EmoClass", "file,speaker,emotion"))
    data = read_items(read_recipe(several(table("one", "columns = {}") + OTHER, above=theirs)), two)
    assert len(data.items) == 36 + 18
    with pytest.raises(ConfigError, match="'one' has two columns for its labels, got a and b"):
        read_recipe(several(table("one", 'column = "a"\ncolumns = {emotion = "b"}')))


def test_a_corpus_without_a_table_is_refused(several: WriteSeveral, two: list[Path]) -> None:
    with pytest.raises(ConfigError, match=r"has no \[\[corpora\]\] table for 'other'"):
        read_items(read_recipe(several(table("one"))), two)


def test_a_training_needs_every_corpus_of_the_recipe(
    several: WriteSeveral, two: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="expected other too; add --corpus other"):
        train(several(table("one") + OTHER), two[:1], tmp_path / "model")


def test_labels_that_the_recipe_lacks_are_refused(several: WriteSeveral) -> None:
    with pytest.raises(ConfigError, match="labels that the recipe lacks, got neutrl"):
        read_recipe(several(table("one", 'label = "neutrl"')))


def test_one_label_for_all_and_a_column_are_refused_together(several: WriteSeveral) -> None:
    with pytest.raises(ConfigError, match="one label for all and others too"):
        read_recipe(several(table("one", 'label = "neutral"\ncolumn = "emotion"')))


def test_a_model_is_trained_on_both(several: WriteSeveral, two: list[Path], tmp_path: Path) -> None:
    other = table("other", 'aliases = {angry = "anger", calm = "neutral"}')
    recipe = several(table("one") + other, above='protocol = "groups:2"')
    card = load_card(train(recipe, two, tmp_path / "model", cache=tmp_path / "cache"))
    assert card.trained_on.clips == 36 + 24
    assert card.trained_on.speakers == 5


def test_several_corpora_without_tables_are_joined_as_they_are(several: WriteSeveral, tmp_path: Path) -> None:
    paths = [write_corpus(tmp_path / name, speakers=2) for name in ("a", "b")]
    with pytest.raises(ProtocolError, match="share a recording"):  # the same tones in both
        corpus_rows(read_recipe(several()), read_items(read_recipe(several()), paths), None)
    paths[1] = write_corpus(tmp_path / "c", speakers=2, longer_s=0.1)
    report = evaluate(several(), paths, "loso", tmp_path / "out")
    assert report["corpora"] == {"a": 24, "c": 24}
    assert report["per_speaker"].keys() == {"a/s0", "a/s1", "c/s0", "c/s1"}


def test_people_of_two_corpora_are_tested_by_a_model_that_heard_them_in_neither(
    several: WriteSeveral, two: list[Path], tmp_path: Path
) -> None:
    more = 'people = "all"\n'
    recipe = several(table("one", more) + OTHER + more)
    report = evaluate(recipe, two, "loso", tmp_path / "out")
    assert [fold["test_speakers"] for fold in report["per_fold"]] == [["all/s0"], ["all/s1"], ["all/s2"]]
    assert report["per_fold"][0]["n"] == 12 + 9
    with pytest.raises(ProtocolError, match="trains and tests on the same speakers"):
        evaluate(recipe, two[0], "", tmp_path / "out", test_corpus=two[1])


def test_a_joined_corpus_is_trained_on_and_a_third_tested(
    several: WriteSeveral, two: list[Path], tmp_path: Path
) -> None:
    third = write_corpus(tmp_path / "third", speakers=2, longer_s=0.1)
    report = evaluate(several(table("one") + OTHER), two, "", tmp_path / "out", test_corpus=third)
    assert report["n"] == 24
    assert report["per_speaker"].keys() == {"third/s0", "third/s1"}


class Weighted:
    """A trainer that takes what further arguments it is given."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}

    def fit(
        self,
        features: Sequence[Floats],
        labels: Sequence[str],
        speakers: Sequence[str],
        *,
        voices: Sequence[str] | None = None,
        weights: Floats | None = None,
    ) -> Trained:
        self.given = {"voices": voices, "weights": weights, "labels": labels, "speakers": speakers}
        return None  # type: ignore[return-value]


class Plain:
    def fit(self, features: Sequence[Floats], labels: Sequence[str], speakers: Sequence[str]) -> Trained:
        return None  # type: ignore[return-value]


def test_a_trainer_is_given_what_it_takes_and_no_more(several: WriteSeveral, two: list[Path]) -> None:
    recipe = read_recipe(several(table("one", "weight = 0.5") + OTHER, above="speeds = [0.8]"))
    data = read_items(recipe, two)
    trainer = Weighted()
    rows = corpus_rows(recipe, data, None)
    fit_speakers(trainer, rows, data, data.speakers, recipe.corpora)
    assert trainer.given["voices"] == trainer.given["speakers"]
    weights = np.asarray(trainer.given["weights"])
    assert weights[:36].sum() / weights[36:].sum() == pytest.approx(0.5 * np.sqrt(36 / 18))
    fit_speakers(trainer, rows.copies[0], data, data.speakers, recipe.corpora)
    assert set(trainer.given["voices"]) == {f"{speaker}×0.8" for speaker in data.speakers}
    with pytest.raises(ConfigError, match=r"trainer takes none, got one 0\.5, other 1"):
        fit_speakers(Plain(), rows, data, data.speakers, recipe.corpora)


AUGMENTED = """
[augmentation]
copies = [0.84, 1.0]
noise = 1.0
"""


@pytest.fixture
def augmented(several: WriteSeveral) -> Recipe:
    return read_recipe(several(table("one") + OTHER + "copies = 1\n" + AUGMENTED))


def test_copies_are_voices_of_their_own_and_reproducible(augmented: Recipe, two: list[Path]) -> None:
    data = read_items(augmented, two)
    rows = corpus_rows(augmented, data, None)
    assert [one.copy_of[0] for one in rows.copies] == ["×0.84#1", "×1#2"]
    assert [len(one.item) for one in rows.copies] == [54, 36]
    assert {data.items[at].corpus for at in rows.copies[1].item} == {"one"}
    again = corpus_rows(augmented, read_items(augmented, two[::-1]), None)
    assert np.array_equal(again.copies[1].features[0], rows.copies[1].features[0])
    assert not np.allclose(rows.copies[1].features[0], rows.features[0][:36])


def test_kept_features_of_copies_are_those_computed(
    augmented: Recipe, two: list[Path], tmp_path: Path
) -> None:
    data = read_items(augmented, two)
    computed = corpus_rows(augmented, data, None, tmp_path / "cache")
    kept = corpus_rows(augmented, data, None, tmp_path / "cache")
    for one, other in zip((computed, *computed.copies), (kept, *kept.copies), strict=True):
        assert np.array_equal(one.features[0], other.features[0])
    assert not np.array_equal(computed.features[0], computed.copies[0].features[0][: len(computed.item)])


def test_speeds_and_copies_are_not_given_together(several: WriteSeveral) -> None:
    with pytest.raises(ConfigError, match="has both speeds and"):
        read_recipe(several(AUGMENTED, above="speeds = [0.9]"))


def test_a_range_of_conditions_that_ends_before_it_begins_is_refused(several: WriteSeveral) -> None:
    with pytest.raises(ConfigError, match="snr_db ends before it begins"):
        read_recipe(several(AUGMENTED + "snr_db = [20, 10]\n"))


def test_a_report_is_of_those_corpora(several: WriteSeveral, two: list[Path], tmp_path: Path) -> None:
    evaluate(several(table("one") + OTHER), two, "loso", tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["corpora"] == {"one": 36, "other": 18}
    assert report["left_out"] == 0

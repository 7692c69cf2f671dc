"""Protocols that would fool their user are refused, naming whom they share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stimmung.engine.errors import ConfigError, ProtocolError
from stimmung.pretrain.corpora.corpus import Corpus, Item
from stimmung.pretrain.evaluation.folds import LOCO, Fold, corpus_folds, read_protocol

RAVDESS = [f"{actor:02d}" for actor in range(1, 25)]
SHIPPED = Path(__file__).parents[3] / "configs" / "ravdess_folds.toml"


def folds_file(tmp_path: Path, *folds: dict[str, object]) -> str:
    path = tmp_path / "folds.json"
    path.write_text(json.dumps({"folds": folds}))
    return f"folds:{path}"


def test_leaving_one_speaker_out_tests_each_by_a_model_of_the_others() -> None:
    assert read_protocol("loso", ["b", "a", "b", "c"]) == [
        Fold("a", ("b", "c"), ("a",)),
        Fold("b", ("a", "c"), ("b",)),
        Fold("c", ("a", "b"), ("c",)),
    ]


@given(st.lists(st.text(min_size=1), min_size=2, unique=True))
def test_no_protocol_ever_tests_whom_it_trained_on(speakers: list[str]) -> None:
    for fold in read_protocol("loso", speakers):
        assert not set(fold.train) & set(fold.test)
        assert {*fold.train, *fold.test} == set(speakers)


def test_one_speaker_cannot_be_left_out() -> None:
    with pytest.raises(ProtocolError, match="no train speaker"):
        read_protocol("loso", ["a"])


def test_the_published_ravdess_folds_test_each_actor_once() -> None:
    folds = read_protocol(f"folds:{SHIPPED}", RAVDESS)
    assert [len(fold.test) for fold in folds] == [4] * 6
    assert folds[3].test == ("03", "05", "07", "24")
    assert len(folds[0].train) == 20


def test_without_a_train_list_everybody_else_is_trained_on(tmp_path: Path) -> None:
    protocol = folds_file(tmp_path, {"test": ["a"]}, {"test": ["b", "c"], "name": "rest"})
    assert read_protocol(protocol, "abc") == [Fold("1", ("b", "c"), ("a",)), Fold("rest", ("a",), ("b", "c"))]


def test_a_fold_that_trains_on_its_test_speakers_is_refused(tmp_path: Path) -> None:
    protocol = folds_file(tmp_path, {"test": ["a", "b"], "train": ["b", "c"]}, {"test": ["c"]})
    with pytest.raises(ProtocolError, match="fold '1' trains and tests on the same speakers, got speakers b"):
        read_protocol(protocol, "abc")


def test_all_speakers_in_training_and_test_are_all_named(tmp_path: Path) -> None:
    everybody = list("abc")
    protocol = folds_file(tmp_path, *[{"test": everybody, "train": everybody}] * 2)
    with pytest.raises(ProtocolError, match="speakers a, b, c"):
        read_protocol(protocol, everybody)


def test_a_speaker_tested_by_two_folds_is_refused(tmp_path: Path) -> None:
    protocol = folds_file(tmp_path, {"test": ["a", "b"]}, {"test": ["b", "c"]})
    with pytest.raises(
        ProtocolError, match="fold '2' tests speakers whom another fold tests, got speakers b"
    ):
        read_protocol(protocol, "abc")


def test_a_speaker_no_fold_tests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="no fold tests some speakers of the corpus, got speakers c"):
        read_protocol(folds_file(tmp_path, {"test": ["a"]}, {"test": ["b"]}), "abc")


def test_a_speaker_the_corpus_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="not in the corpus, got speakers z"):
        read_protocol(folds_file(tmp_path, {"test": ["a", "z"]}, {"test": ["b"]}), "ab")


def test_an_unknown_key_of_a_folds_file_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key .*tests.*did you mean 'test'\?"):
        read_protocol(folds_file(tmp_path, {"tests": ["a"]}), "ab")


@pytest.mark.parametrize("name", ["folds.json", "folds.toml"])
def test_a_folds_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read_protocol(f"folds:{tmp_path / name}", "ab")
    (tmp_path / name).write_text("{[")
    with pytest.raises(ConfigError, match=name):
        read_protocol(f"folds:{tmp_path / name}", "ab")


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected loso, loco, groups:N, partitions, folds:FILE"):
        read_protocol("random", "ab")


def test_each_corpus_is_left_out_in_turn_with_those_of_the_same_people() -> None:
    def item(corpus: str, speaker: str) -> Item:
        return Item(Path("a.wav"), speaker, "anger", corpus=corpus)

    items = [item("one", "p/1"), item("rest", "p/1"), item("two", "two/1"), item("bursts", "bursts/1")]
    folds = corpus_folds(LOCO, Corpus("all", tuple(items)), ["bursts"])
    assert [(fold.name, fold.test) for fold in folds] == [("one + rest", ("p/1",)), ("two", ("two/1",))]
    assert all("bursts/1" in fold.train for fold in folds)


def test_one_corpus_alone_cannot_be_left_out() -> None:
    items = tuple(Item(Path("a.wav"), f"one/{k}", "anger", corpus="one") for k in range(3))
    with pytest.raises(ProtocolError, match="two or more"):
        corpus_folds(LOCO, Corpus("one", items))

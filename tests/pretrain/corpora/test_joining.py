"""Several corpora as one: whose speakers are whose, and what each row counts for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stimmung.engine.errors import ConfigError
from stimmung.pretrain.corpora.corpus import Corpus, Item
from stimmung.pretrain.corpora.joining import join
from stimmung.pretrain.training.weights import row_weights


def corpus(name: str, *speakers: str) -> Corpus:
    return Corpus(name, tuple(Item(Path(f"{name}{speaker}.wav"), speaker, "anger") for speaker in speakers))


def test_speakers_of_the_same_name_are_told_apart_by_their_corpus() -> None:
    both = join([corpus("one", "03", "08"), corpus("other", "03")])
    assert both.name == "one + other"
    assert both.speakers == ["one/03", "one/08", "other/03"]
    assert [item.corpus for item in both.items] == ["one", "one", "other"]


def test_corpora_of_the_same_people_share_their_speakers() -> None:
    both = join([corpus("one", "03"), corpus("rest", "03")], {"one": "all", "rest": "all"})
    assert both.speakers == ["all/03"]
    assert [item.corpus for item in both.items] == ["one", "rest"]


def test_a_corpus_is_given_once() -> None:
    with pytest.raises(ConfigError, match="'one' is given 2 times"):
        join([corpus("one", "03"), corpus("one", "03")])


def test_a_corpus_counts_the_root_of_its_rows_and_each_class_in_it_the_same() -> None:
    corpora = ["large"] * 64 + ["small"] * 16
    labels = ["anger"] * 48 + ["neutral"] * 16 + ["anger"] * 4 + ["neutral"] * 12
    weights = row_weights(corpora, labels)
    assert weights.mean() == pytest.approx(1)
    of = {name: weights[np.array(corpora) == name].sum() for name in ("large", "small")}
    assert of["large"] / of["small"] == pytest.approx(np.sqrt(64 / 16))
    assert weights[:48].sum() == pytest.approx(weights[48:64].sum())
    assert weights[64:68].sum() == pytest.approx(weights[68:].sum())


def test_a_corpus_may_be_given_another_weight() -> None:
    corpora, labels = ["one"] * 4 + ["other"] * 4, ["anger"] * 8
    weights = row_weights(corpora, labels, {"other": 0.25})
    assert weights[4:].sum() / weights[:4].sum() == pytest.approx(0.25)

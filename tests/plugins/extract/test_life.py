"""LiFE: a recurrent network that is trained on a corpus, saved with its card and run as a plugin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from stimmung.engine.errors import ModelError
from stimmung.plugins.extract.bert import Bert
from stimmung.plugins.extract.life import FILE, Life
from stimmung.plugins.extract.life.network import Compressor
from stimmung.pretrain.corpora.text_corpora import Sentences
from stimmung.pretrain.encoders import life as compressing
from stimmung.pretrain.experiments.embedded_emotions.study import EMOBANK

HAPPY = [f"{how} nice {what}" for how in ("what a", "how", "it is a") for what in ("day", "it is", "i am")]
SAD = [sentence.replace("nice", "sad") for sentence in HAPPY]
TEXTS = HAPPY + SAD
TRUTH = [1] * len(HAPPY) + [0] * len(SAD)


@pytest.fixture(scope="module")
def bert(tiny_bert: Path) -> Bert:
    return Bert(str(tiny_bert))


@pytest.fixture(scope="module")
def trained(bert: Bert) -> Compressor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compressing, "UNITS", 6)
        patch.setattr(compressing, "EPOCHS", 3)
        return compressing.train_compressor(compressing.token_vectors(bert, TEXTS), TRUTH, 2)


@pytest.fixture
def model(tmp_path: Path, tiny_bert: Path, trained: Compressor) -> Path:
    parts = ("train",) * len(TEXTS)
    corpus = Sentences("words", ("low", "high"), tuple(TEXTS), ("low",) * len(TEXTS), tuple(TEXTS), parts)
    return compressing.save_compressor(
        trained, str(tiny_bert), corpus, "valence", {"uar": 0.5}, EMOBANK, tmp_path / "life"
    )


def test_token_vectors_are_those_of_the_sentence_alone(bert: Bert) -> None:
    together = compressing.token_vectors(bert, TEXTS)
    assert together[0].shape == (6, 16)
    assert together[0].dtype == torch.float16
    (alone,) = compressing.token_vectors(bert, TEXTS[:1])
    torch.testing.assert_close(together[0], alone, atol=2e-3, rtol=0)


def test_training_is_the_same_every_time_and_changes_with_its_seed(bert: Bert) -> None:
    vectors = compressing.token_vectors(bert, TEXTS)

    def weights(seed: int) -> torch.Tensor:
        network = compressing.train_compressor(vectors, TRUTH, 2, seed=seed)
        return network.recurrent.weight_hh_l0.detach()

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_a_narrative_does_not_depend_on_those_beside_it(bert: Bert, trained: Compressor) -> None:
    vectors = compressing.token_vectors(bert, TEXTS)
    together = compressing.compress_all(trained, vectors)
    alone = np.concatenate([compressing.compress_all(trained, [vector]) for vector in vectors])
    assert together.shape == (len(TEXTS), 12)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_what_trained_is_what_runs(bert: Bert, trained: Compressor, model: Path) -> None:
    life = Life(str(model))
    assert life.dim == 12
    features = life.encode(TEXTS)
    expected = compressing.compress_all(trained, compressing.token_vectors(bert, TEXTS))
    np.testing.assert_allclose(features, expected, atol=2e-3)  # it was trained on half precision
    assert life.encode([]).shape == (0, 12)


def test_the_default_ships_and_tells_sentences_of_opposite_valence_apart() -> None:
    life = Life()
    assert life.dim == 256
    glad, gladder, grim = life.encode(
        ["What a wonderful day!", "I love this beautiful garden.", "He was murdered in prison."]
    )
    assert np.linalg.norm(glad - gladder) < np.linalg.norm(glad - grim)


def test_models_that_do_not_fit_are_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="model 'emotion_hsf_svm' is not for the plugin 'life'"):
        Life("emotion_hsf_svm")
    with pytest.raises(ModelError, match="does not fit its BERT, got 384 values a token, expected 16"):
        Life(str(model), bert="all-MiniLM-L6-v2")
    (model / FILE).write_bytes(b"nothing")
    with pytest.raises(ModelError, match="does not match its card"):
        Life(str(model))

"""The linear machine: what was trained is what runs, to the bit, or it does not run at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from stimmung.engine.errors import ModelError, ProtocolError
from stimmung.engine.models.cards import Card, CardInput, load_card, write_card
from stimmung.engine.plugin import Classifier, Input
from stimmung.engine.types import Floats
from stimmung.plugins.classify.svm import FILE, Scorer, Svm, Trainer, Training
from support import card_of

LABELS = ("anger", "neutral", "sadness")
DIMS = (30, 12)


def data(labels: tuple[str, ...] = LABELS) -> tuple[list[Floats], list[str], list[str]]:
    """Rows of six speakers, overlapping classes of unequal size, features of very unequal scale."""
    random = np.random.default_rng(0)
    truth = random.choice(
        len(labels), 240, p=np.arange(1, len(labels) + 1) / np.arange(1, len(labels) + 1).sum()
    )
    speakers = random.integers(6, size=240)
    rows = random.normal(size=(240, sum(DIMS))) + random.normal(size=(6, sum(DIMS)))[speakers]
    rows += random.normal(size=(len(labels), sum(DIMS)))[truth] * 0.6
    rows = (rows * 10 ** random.uniform(-3, 3, sum(DIMS))).astype(np.float32)
    features = [rows[:, : DIMS[0]], rows[:, DIMS[0] :]]
    return features, [labels[t] for t in truth], [f"s{s}" for s in speakers]


def card(training: Training) -> Card:
    return card_of("svm", training.labels, [CardInput("a", DIMS[0], "1"), CardInput("b", DIMS[1], "2")])


def decisions(training: Training, features: list[Floats]) -> Floats:
    return np.stack([training.machine.scores(row) for row in np.concatenate(features, axis=1)])


@pytest.fixture
def training() -> Training:
    return Trainer(c=0.01).fit(*data())


@pytest.fixture
def folder(training: Training, tmp_path: Path) -> Path:
    training.save(tmp_path)
    write_card(tmp_path, card(training))
    return tmp_path


def test_it_follows_the_contract_of_a_classifier(folder: Path) -> None:
    svm = Svm(str(folder))
    assert isinstance(svm, Classifier)
    assert (svm.name, svm.rate, svm.target, svm.labels) == ("svm", 16000, "emotion", LABELS)
    assert svm.inputs == (Input("a", 30, "1"), Input("b", 12, "2"))
    probabilities = svm.predict(data()[0])
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (240, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_what_was_trained_is_what_runs_to_the_bit(training: Training, folder: Path) -> None:
    np.testing.assert_array_equal(training.predict(data()[0]), Svm(str(folder)).predict(data()[0]))


@pytest.mark.parametrize("labels", [LABELS, LABELS[:2]])
def test_probabilities_equal_those_of_scikit_learns_own_calibration(labels: tuple[str, ...]) -> None:
    features, truth, speakers = data(labels)
    rows = np.concatenate(features, axis=1)
    machine = make_pipeline(
        StandardScaler(),
        FunctionTransformer(np.clip, kw_args={"a_min": -5.0, "a_max": 5.0}),
        LinearSVC(C=0.01, class_weight="balanced", tol=1e-6, max_iter=100_000, random_state=0),
    )
    splits = list(GroupKFold(5).split(rows, truth, speakers))
    theirs = CalibratedClassifierCV(machine, method="temperature", cv=splits, ensemble=False)
    expected = theirs.fit(rows, np.array(truth)).predict_proba(rows)
    got = Trainer(c=0.01).fit(features, truth, speakers).predict(features)
    np.testing.assert_allclose(got, expected, atol=5e-4)  # of two solvers and two bounded searches


def test_the_affine_form_equals_scaling_and_scoring_step_by_step(training: Training) -> None:
    features = data()[0]
    scores = training.beta * decisions(training, features)
    powers = np.exp(scores)
    np.testing.assert_allclose(
        training.predict(features), powers / powers.sum(axis=1, keepdims=True), atol=1e-6
    )


def test_calibration_never_changes_which_label_wins(training: Training) -> None:
    features = data()[0]
    raw = decisions(training, features)
    np.testing.assert_array_equal(training.predict(features).argmax(axis=1), raw.argmax(axis=1))


def test_a_row_gets_the_same_bits_alone_and_in_any_batch() -> None:
    random = np.random.default_rng(0)
    mean, scale = random.normal(size=6373), random.uniform(0.1, 10, 6373)
    scorer = Scorer(mean, scale, 5.0, random.normal(size=(4, 6373)), random.normal(size=4))
    rows = random.normal(size=(64, 6373)).astype(np.float32)
    together = scorer.probabilities(rows)
    for size in (1, 3, 64):
        parts = [scorer.probabilities(rows[at : at + size]) for at in range(0, 64, size)]
        np.testing.assert_array_equal(np.concatenate(parts), together)
    np.testing.assert_array_equal(scorer.probabilities(np.asfortranarray(rows)), together)


def test_extreme_scores_stay_probabilities() -> None:
    scorer = Scorer(np.zeros(1), np.ones(1), 5.0, np.array([[1e30], [-1e30]]), np.zeros(2))
    assert scorer.probabilities(np.float32([[1], [-1]])).tolist() == [[1, 0], [0, 1]]


def test_a_feature_that_never_varied_in_training_does_no_harm() -> None:
    (first, second), truth, speakers = data()
    second[:, 0] = 7
    training = Trainer(c=0.01).fit([first, second], truth, speakers)
    assert np.isfinite(training.predict([first, second])).all()


def test_a_feature_that_hardly_varied_in_training_does_not_outvote_the_others() -> None:
    features, truth, speakers = data()
    training = Trainer(c=0.01).fit(features, truth, speakers)
    wild = features[1].copy()
    wild[:, 3] *= 1e6
    agree = training.predict([features[0], wild]).argmax(axis=1) == training.predict(features).argmax(axis=1)
    assert agree.mean() > 0.75
    features[1][:, 0] = 0
    features[1][7, 0] = 1e3
    assert Trainer(c=0.01).fit(features, truth, speakers).beta == pytest.approx(training.beta, rel=0.2)


def test_of_several_costs_the_best_for_held_out_speakers_is_taken() -> None:
    assert Trainer(c=[1e-9, 0.01]).fit(*data()).chosen == {"c": 0.01}


def test_training_needs_two_speakers_and_two_labels() -> None:
    features, truth, speakers = data()
    with pytest.raises(ProtocolError, match="got speakers x, expected at least two speakers"):
        Trainer().fit(features, truth, ["x"] * 240)
    with pytest.raises(ProtocolError, match="got labels anger, expected at least two labels"):
        Trainer().fit(features, ["anger"] * 240, speakers)


def test_the_model_file_is_small_and_holds_no_training_data(training: Training, tmp_path: Path) -> None:
    training.save(tmp_path)
    arrays = load_file(tmp_path / FILE)
    assert set(arrays) == {"mean", "scale", "clip_sd", "weights", "bias"}
    assert not any(240 in array.shape for array in arrays.values())
    assert (tmp_path / FILE).stat().st_size < 20_000


def test_an_altered_model_file_is_refused_before_it_is_opened(folder: Path) -> None:
    content = bytearray((folder / FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / FILE).write_bytes(content)
    with pytest.raises(ModelError, match=r"sha256 of .*svm\.safetensors"):
        Svm(str(folder))


def altered(folder: Path, labels: str | None = '["anger", "neutral", "sadness"]', **arrays: Floats) -> None:
    """Writes the folder's machine again with other arrays or labels, and a card that vouches for it."""
    metadata = {} if labels is None else {"labels": labels}
    save_file({**load_file(folder / FILE), **arrays}, folder / FILE, metadata)
    write_card(folder, load_card(folder))


@pytest.mark.parametrize("labels", [None, "anger", "3"])
def test_a_machine_without_labels_is_refused(folder: Path, labels: str | None) -> None:
    altered(folder, labels)
    with pytest.raises(ModelError, match="holds no calibrated linear machine"):
        Svm(str(folder))


@pytest.mark.parametrize(
    ("name", "shape"), [("another", (42,)), ("clip_sd", (2,))], ids=["another array", "two clips"]
)
def test_a_file_that_holds_something_else_is_refused(folder: Path, name: str, shape: tuple[int]) -> None:
    altered(folder, **{name: np.ones(shape, np.float32)})
    with pytest.raises(ModelError, match="holds no calibrated linear machine"):
        Svm(str(folder))


@pytest.mark.parametrize(
    ("name", "shape"), [("mean", (41,)), ("scale", ()), ("weights", (3, 1)), ("weights", ()), ("bias", (1,))]
)
def test_arrays_of_another_shape_are_refused(folder: Path, name: str, shape: tuple[int, ...]) -> None:
    altered(folder, **{name: np.ones(shape, np.float32)})
    with pytest.raises(ModelError, match="does not fit its card"):
        Svm(str(folder))


def test_a_file_that_is_no_safetensors_is_refused(folder: Path) -> None:
    (folder / FILE).write_bytes(b"nothing")
    write_card(folder, load_card(folder))
    with pytest.raises(ModelError, match="holds no calibrated linear machine"):
        Svm(str(folder))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["anger", "sadness", "neutral"]}, "does not fit its card, got labels anger, neutral"),
        ({"inputs": [CardInput("a", 30, "1")]}, r"\(3, 42\), \(3,\)\], expected .* \(3, 30\)"),
        ({"plugin": "softmax"}, "not for the plugin 'svm', got plugin 'softmax'"),
    ],
)
def test_a_card_that_tells_another_story_is_refused(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    write_card(folder, msgspec.structs.replace(load_card(folder), **changes))
    with pytest.raises(ModelError, match=message):
        Svm(str(folder))


def test_opening_a_model_imports_no_learning_library(folder: Path) -> None:
    """Which is what lets a worker that was killed serve again within the second."""
    heavy = "{'sklearn', 'scipy', 'torch'}"
    code = f"import sys; from stimmung.plugins.classify.svm import Svm; Svm({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", f"{code}; sys.exit(bool({heavy} & set(sys.modules)))"])
    assert done.returncode == 0

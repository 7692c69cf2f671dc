"""The linear classifier: what was trained is what runs, by itself and beside an inferred offset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from stimmung.engine.calls.spec import spec_of
from stimmung.engine.check import examine_class
from stimmung.engine.errors import ConfigError, ModelError, ProtocolError
from stimmung.engine.models.cards import Card, CardInput, load_card, write_card
from stimmung.engine.models.statistics import OFFSET_FILE, OffsetModel
from stimmung.engine.plugin import Classifier, DistanceClassifier, Input
from stimmung.engine.streaming.speaker.offset import OffsetFilter, Projection
from stimmung.engine.types import Floats
from stimmung.plugins.classify.linear import Linear
from stimmung.plugins.classify.linear.model import FILE, log_softmax
from stimmung.plugins.classify.linear.training import Trainer, Training, fit_scale
from support import card_of

LABELS = ("anger", "happiness", "neutral", "sadness")
DIM = 12
Data = tuple[list[Floats], list[str], list[str]]
SPREAD = 2.0  # of the offsets of people, in units of the rest


def people(
    count: int, labels: tuple[str, ...] = LABELS, *, seed: int = 0, each: int = 40, neutral: float = 0.0
) -> Data:
    """Rows of so many people, each with an offset of their own; ``neutral``: more of these, as a share."""
    world, random = np.random.default_rng(9), np.random.default_rng(seed)
    centres = world.normal(size=(len(labels), DIM)) * 1.5
    scale = 10 ** world.uniform(-2, 2, DIM)
    shares = np.full(len(labels), (1 - neutral) / len(labels))
    if neutral:
        shares[labels.index("neutral")] += neutral
    truth = random.choice(len(labels), (count, each), p=shares)
    rows = (
        centres[truth] + random.normal(size=(count, 1, DIM)) * SPREAD + random.normal(size=(count, each, DIM))
    )
    rows = (rows * scale).reshape(-1, DIM).astype(np.float32)
    return (
        [rows],
        [labels[t] for t in truth.ravel()],
        [f"p{seed}.{at}" for at in range(count) for _ in range(each)],
    )


def card(training: Training) -> Card:
    return card_of("linear", training.labels, [CardInput("a", DIM, "1")])


def recall(training: Training, data: Data, evidence: Floats | None = None) -> float:
    """Unweighted, over the labels."""
    features = data[0] if evidence is None else [*data[0], evidence]
    found = np.array(training.labels)[training.predict(features).argmax(axis=1)]
    truth = np.array(data[1])
    return float(np.mean([(found[truth == label] == label).mean() for label in set(data[1])]))


def inferred(offset: OffsetModel, data: Data) -> Floats:
    """The log posteriors of every row, each person a stream in the order of the rows."""
    (rows,), _, names = data
    projection, found = Projection(offset), np.zeros((len(rows), len(offset.labels)), np.float32)
    filters = {name: OffsetFilter(offset) for name in names}
    for at, (row, name) in enumerate(zip(rows, names, strict=True)):
        found[at] = filters[name].add(projection.scores(row), 1.0)
    return found


@pytest.fixture(scope="module")
def training() -> Training:
    return Trainer(plain_share=0.3).fit(*people(16))


@pytest.fixture
def folder(training: Training, tmp_path: Path) -> Path:
    training.save(tmp_path)
    write_card(tmp_path, card(training))
    return tmp_path


def test_it_follows_the_contract_of_a_classifier(folder: Path, training: Training) -> None:
    linear = Linear(str(folder))
    assert isinstance(linear, Classifier)
    assert (linear.name, linear.rate, linear.target, linear.labels) == ("linear", 16000, "emotion", LABELS)
    assert linear.inputs == (Input("a", DIM, "1"),)
    assert set(load_card(folder).files) == {FILE, OFFSET_FILE}
    assert isinstance(linear, DistanceClassifier)
    assert spec_of("linear", linear).offset == training.offset == linear.offset


def test_a_saved_model_predicts_as_the_training_did_to_the_bit(folder: Path, training: Training) -> None:
    linear, data = Linear(str(folder)), people(3, seed=5)
    evidence = inferred(training.offset, data)
    for features in (data[0], [*data[0], evidence]):
        np.testing.assert_array_equal(linear.predict(features), training.predict(features))
    np.testing.assert_array_equal(linear.training_distance(data[0]), training.model.distance(data[0][0]))


def test_a_row_never_depends_on_those_beside_it(training: Training) -> None:
    data = people(2, seed=6)
    features = [*data[0], inferred(training.offset, data)]
    whole = training.predict(features)
    for at in range(0, 80, 7):
        np.testing.assert_array_equal(training.predict([one[at : at + 1] for one in features])[0], whole[at])


def test_it_passes_the_checks_of_plugins(folder: Path) -> None:
    findings = [*examine_class("linear", "classifier", Linear, {"model": str(folder)}, timed=False)]
    assert [finding.check for finding in findings if finding.error or finding.skipped] == []
    assert len(findings) > 4


def test_an_inferred_offset_makes_strangers_known(training: Training) -> None:
    data = people(20, seed=1)
    by_itself, with_offset = recall(training, data), recall(training, data, inferred(training.offset, data))
    assert with_offset > by_itself + 0.05


def test_the_mixture_is_what_its_docstring_says(training: Training) -> None:
    data = people(2, seed=2)
    evidence = inferred(training.offset, data).astype(np.float64)
    plain = np.array([log_softmax(training.model.scores(row)) for row in data[0][0]])
    mixed = (0.3 * plain + 0.7 * evidence) / training.model.temperature
    found = training.predict([*data[0], evidence.astype(np.float32)])
    np.testing.assert_allclose(found, np.exp(log_softmax(mixed)), rtol=1e-5)
    np.testing.assert_allclose(training.predict(data[0]), np.exp(plain), rtol=1e-5)


def test_confidence_is_calibrated_on_people_left_out() -> None:
    training, data = Trainer(plain_share=0.3).fit(*people(60)), people(60, seed=3)
    truth = np.array([LABELS.index(label) for label in data[1]])
    for features in (data[0], [*data[0], inferred(training.offset, data)]):
        logs = np.log(training.predict(features).astype(np.float64) + 1e-12)
        assert fit_scale(logs, truth, np.ones(len(truth))) == pytest.approx(1.0, abs=0.3)


def test_the_operating_point_stands_in_the_pipeline(folder: Path) -> None:
    data = people(6, seed=4)
    calls = []
    for prior in (0.5, 0.0, 8.0):
        offset = Linear(str(folder), neutral_prior=prior).offset
        assert offset is not None
        calls.append((inferred(offset, data).argmax(axis=1) == LABELS.index("neutral")).sum())
    assert calls[0] < calls[1] < calls[2]
    offset = Linear(str(folder), forget_s=60.0).offset
    assert offset is not None
    assert offset.forget_s == 60.0
    with pytest.raises(ConfigError, match=r"option 'forget_s' of plugin 'linear'.*-1"):
        Linear(str(folder), forget_s=-1.0)


def test_neutrals_bias_makes_neutral_likelier_beside_an_offset_only() -> None:
    data = people(8, seed=7)
    one, other = (Trainer(neutral_bias=bias).fit(*data) for bias in (0.0, 2.0))
    evidence = inferred(one.offset, data)
    one_neutral, other_neutral = (
        found.predict([*data[0], evidence]).argmax(axis=1) == LABELS.index("neutral")
        for found in (one, other)
    )
    assert one_neutral.sum() < other_neutral.sum()
    assert other_neutral[one_neutral].all()
    np.testing.assert_array_equal(other.predict(data[0]), one.predict(data[0]))


def test_a_temperature_that_is_given_is_taken_and_changes_no_answer() -> None:
    data = people(8, seed=7)
    fitted, given = (Trainer(temperature=value).fit(*data) for value in (0.0, 0.5))
    assert given.chosen["temperature"] == 0.5 != fitted.chosen["temperature"]
    rows = [*data[0], inferred(fitted.offset, data)]
    one, other = fitted.predict(rows), given.predict(rows)
    np.testing.assert_array_equal(one.argmax(axis=1), other.argmax(axis=1))
    assert not np.allclose(one, other)


def test_what_is_unlike_all_training_data_is_far(training: Training) -> None:
    own, strangers = people(16)[0][0], people(16, seed=8)[0][0]
    assert np.quantile(training.model.distance(own), 0.99) < 1.1
    assert np.median(training.model.distance(strangers)) < 1.0
    foreign = strangers + 30 * own.std(axis=0)
    assert training.model.distance(foreign).min() > 1.0


def test_the_same_data_give_the_same_model() -> None:
    data = people(6)
    one, other = (Trainer().fit(*data) for _ in range(2))
    assert one.offset == other.offset
    np.testing.assert_array_equal(one.model.weights, other.model.weights)
    assert one.chosen == other.chosen


def test_no_person_is_on_both_sides_of_a_split_though_their_voices_are_several() -> None:
    """Voices of one person are the same rows twice: if one scored the other, the rest would look smaller."""
    (rows,), labels, persons = people(8, each=24)
    voices = [f"{person}#{at % 2}" for at, person in enumerate(persons)]
    twice = [np.concatenate([rows, rows])], labels * 2, persons * 2
    apart = Trainer().fit(*twice, voices=persons + [f"{person}#1" for person in persons])
    mixed_up = Trainer().fit(twice[0], twice[1], persons + [f"{person}#1" for person in persons])
    within = [np.linalg.det(one.offset.array("within")) for one in (apart, mixed_up)]
    assert within[0] > within[1]
    assert Trainer().fit([rows], labels, persons, voices=voices).labels == LABELS


def test_centres_and_offsets_can_be_estimated_from_some_corpora() -> None:
    one, other = people(8), people(8, seed=1)
    (rows,), labels, persons = (
        [np.concatenate([one[0][0], other[0][0] * 1.2])],
        one[1] + other[1],
        one[2] + other[2],
    )
    corpora = ["first"] * len(one[1]) + ["second"] * len(other[1])
    found = {
        names: Trainer(estimate_from=[*names]).fit([rows], labels, persons, corpora=corpora)
        for names in ((), ("first",), ("second",))
    }
    assert len({training.offset for training in found.values()}) == 3
    assert len(found[()].model.space.centres) == 2
    without = Trainer(estimate_from=["first", "third"]).fit([rows], labels, persons, corpora=corpora)
    assert without.offset == found["first",].offset  # where the third is left out for a while
    with pytest.raises(ConfigError, match=r"names no corpus of this training.*third.*first, second"):
        Trainer(estimate_from=["third"]).fit([rows], labels, persons, corpora=corpora)
    only = ["neutral" if corpus == "second" else label for corpus, label in zip(corpora, labels, strict=True)]
    with pytest.raises(ProtocolError, match="nobody who shows anger, happiness, sadness"):
        Trainer(estimate_from=["second"]).fit([rows], only, persons, corpora=corpora)


@pytest.mark.parametrize(
    "labels",
    [
        ("low", "high"),
        ("anger", "neutral"),
        ("a", "b", "c", "d", "e", "f", "neutral"),
        (*"abcdefg", "neutral"),
    ],
)
def test_any_number_of_labels_will_do(labels: tuple[str, ...]) -> None:
    data = people(8, labels)
    training = Trainer().fit(*data)
    assert training.labels == tuple(sorted(labels))
    assert training.offset.misfit() == ""
    assert training.offset.scores == len(labels) - 1
    assert training.offset.expressiveness == ((0.4, 0.6, 0.8, 1.0) if "neutral" in labels else (1.0,))
    rows = training.predict([*data[0], inferred(training.offset, data)])
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)


def test_a_label_that_one_person_alone_shows_is_trained_too() -> None:
    (rows,), labels, persons = people(6)
    labels = [
        label if person == "p0.0" or label != "anger" else "neutral"
        for label, person in zip(labels, persons, strict=True)
    ]
    training = Trainer().fit([rows], labels, persons)
    assert training.labels == LABELS
    assert training.offset.misfit() == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty": 0.0}, "option 'penalty'"),
        ({"plain_share": 1.5}, "option 'plain_share'"),
        ({"temperature": -1.0}, "option 'temperature'"),
        ({"folds": 1}, "option 'folds'"),
        ({"expressiveness": []}, "option 'expressiveness'"),
    ],
)
def test_an_unfit_option_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Trainer(**options)


def test_what_cannot_be_trained_is_refused() -> None:
    (rows,), labels, persons = people(4)
    with pytest.raises(ConfigError, match="has one input"):
        Trainer().fit([rows, rows], labels, persons)
    with pytest.raises(ProtocolError, match="at least two speakers"):
        Trainer().fit([rows], labels, ["one"] * len(labels))
    with pytest.raises(ProtocolError, match="at least two labels"):
        Trainer().fit([rows], ["neutral"] * len(labels), persons)


def test_a_damaged_model_is_named(folder: Path, training: Training) -> None:
    for name in (FILE, OFFSET_FILE):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-8])
        with pytest.raises(ModelError, match="does not match its card"):
            Linear(str(folder))
        write_card(folder, load_card(folder))
        with pytest.raises(ModelError, match="holds no"):
            Linear(str(folder))
        (folder / name).write_bytes(whole)
        write_card(folder, load_card(folder))
    write_card(folder, msgspec.structs.replace(card(training), labels=[*LABELS[:-1], "joy"]))
    with pytest.raises(ModelError, match=r"labels"):
        Linear(str(folder))


def test_a_model_without_an_offset_is_a_plain_classifier(folder: Path, training: Training) -> None:
    (folder / OFFSET_FILE).unlink()
    arrays = load_file(folder / FILE)
    assert arrays["plain_share"] == 0.3
    write_card(folder, card(training))
    linear = Linear(str(folder))
    assert linear.offset is None
    save_file({name: array for name, array in arrays.items() if name != "bias"}, folder / FILE)
    write_card(folder, card(training))
    with pytest.raises(ModelError, match="holds no linear classifier"):
        Linear(str(folder))

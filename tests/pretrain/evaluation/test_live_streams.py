"""Recordings laid out as streams, and whom answers belong to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stimmung.engine.types import Floats
from stimmung.pretrain.corpora.corpus import Corpus, Item, read_corpus
from stimmung.pretrain.evaluation.live_answers import Answers, recording_probabilities, recordings_beyond
from stimmung.pretrain.evaluation.live_streams import Condition, Place, Plan, audio, lengths, plans
from stimmung.pretrain.features.audio import item_audio
from stimmung.pretrain.training.dataset import silent

RATE = 16000
LABELS = ["anger", "happiness", "neutral", "sadness"]


def heard(plan: Plan, corpus: Corpus) -> Floats:
    items = [corpus.items[place.item] for place in plan.places]
    return np.concatenate([chunk.samples[:, 0] for chunk in audio(plan, items, RATE)])


def people(neutral: int, others: int, speakers: int = 1) -> Corpus:
    """A corpus whose files are never read."""
    items = [
        Item(Path(f"{speaker}_{k}.wav"), f"s{speaker}", "neutral" if k < neutral else "anger")
        for speaker in range(speakers)
        for k in range(neutral + others)
    ]
    return Corpus("people", tuple(items))


def test_every_recording_lies_in_its_place_with_room_noise_around_and_under_it(corpus: Path) -> None:
    data = read_corpus(corpus, "emotion", LABELS)
    found = plans(data, lengths(data, RATE, silent), RATE, Condition("live", 0.5))
    assert [plan.speaker for plan in found] == data.speakers
    plan = found[1]
    samples = heard(plan, data)
    assert len(samples) == plan.length
    at = 0
    for place in plan.places:
        assert place.start == at + RATE // 2
        rest = samples[place.start : place.stop] - item_audio(data.items[place.item], RATE)
        for noise in (samples[at : place.start], rest):
            level_dbfs = 10 * np.log10(np.mean(np.square(noise, dtype=np.float64)))
            assert level_dbfs == pytest.approx(-65, abs=1)
        at = place.stop
    own = [k for k, item in enumerate(data.items) if item.speaker == plan.speaker]
    assert sorted(place.item for place in plan.places) == own
    assert [place.item for place in plan.places] != own


def test_a_stream_is_the_same_whoever_else_is_in_the_corpus(corpus: Path) -> None:
    data = read_corpus(corpus, "emotion", LABELS)
    alone = Corpus(data.name, tuple(item for item in data.items if item.speaker == "s0"))
    first, own = (
        plans(each, lengths(each, RATE, silent), RATE, Condition("live", 0.5))[0] for each in (data, alone)
    )
    assert first == own
    np.testing.assert_array_equal(heard(first, data), heard(own, alone))


def test_by_itself_every_recording_is_a_stream(corpus: Path) -> None:
    data = read_corpus(corpus, "emotion", LABELS)
    found = plans(data, lengths(data, RATE, silent), RATE, Condition("plain", 0.25, alone=True))
    assert sorted(place.item for plan in found for place in plan.places) == list(range(len(data.items)))
    assert len({plan.name for plan in found}) == len(data.items)


def test_of_everyday_speech_four_turns_in_five_are_neutral_and_draws_differ() -> None:
    data = people(neutral=8, others=20, speakers=2)
    found = plans(data, [100] * 56, RATE, Condition("everyday_80", 1.0, neutral=0.8, draws=3))
    assert [plan.draw for plan in found] == [0, 0, 1, 1, 2, 2]
    for plan in found:
        labels = [data.items[place.item].label for place in plan.places]
        assert (labels.count("neutral"), labels.count("anger")) == (8, 2)
    assert len({frozenset(place.item for place in plan.places) for plan in found}) > 2


def test_fractions_of_others_are_right_on_average() -> None:
    data = people(neutral=8, others=20, speakers=40)
    found = plans(data, [100] * 1120, RATE, Condition("everyday_95", 1.0, neutral=0.95, draws=10))
    others = [len(plan.places) - 8 for plan in found]
    assert set(others) == {0, 1}
    assert np.mean(others) == pytest.approx(8 * 0.05 / 0.95, abs=0.1)


def test_who_never_speaks_neutrally_has_no_everyday_stream() -> None:
    data = people(neutral=0, others=5)
    assert plans(data, [100] * 5, RATE, Condition("everyday_80", 1.0, neutral=0.8)) == []


PLACES = (Place(0, 1000, 2000), Place(1, 2500, 4500))


def answered(*spans: tuple[int, int, float]) -> list[float]:
    """Of each place, the probability of the first of two labels."""
    answers = Answers(
        np.array([start for start, _, _ in spans], np.int64),
        np.array([stop for _, stop, _ in spans], np.int64),
        np.array([[p, 1 - p] for _, _, p in spans], np.float32).reshape(-1, 2),
    )
    return [float(p) for p in recording_probabilities(answers, PLACES)[:, 0]]


def test_a_prediction_belongs_to_the_recording_that_most_of_it_lies_in() -> None:
    first, second = answered((1000, 2600, 0.9), (1900, 3500, 0.3))
    assert first == pytest.approx(0.9)
    assert second == pytest.approx(0.3)


def test_a_prediction_about_the_pause_belongs_to_nobody() -> None:
    assert answered((0, 2000, 0.9))[0] == pytest.approx(0.9)
    assert np.isnan(answered((0, 1998, 0.9))).all()
    assert np.isnan(answered()).all()


@pytest.mark.parametrize(
    ("limit", "distances", "beyond"),
    [
        (1.0, (2.0, 0.5, 2.0), (False, True)),
        (1.0, (2.0, 2.0, 0.5), (True, False)),
        (1.0, (np.nan,) * 3, (False, False)),
        (3.0, (2.0, 2.0, 2.0), (False, False)),
        (None, (2.0, 2.0, 2.0), (False, False)),
    ],
)
def test_a_recording_is_unlike_the_training_data_where_most_of_its_predictions_are(
    limit: float | None, distances: tuple[float, ...], beyond: tuple[bool, ...]
) -> None:
    starts, stops = np.array([1000, 1200, 2600]), np.array([1600, 2000, 3200])
    answers = Answers(starts, stops, np.full((3, 2), 0.5, np.float32), 0, np.array(distances, np.float32))
    assert tuple(recordings_beyond(answers, PLACES, limit)) == beyond


def test_predictions_count_by_the_length_of_their_spans() -> None:
    assert answered((1000, 1600, 0.9), (1200, 2000, 0.2))[0] == pytest.approx((600 * 0.9 + 800 * 0.2) / 1400)


def test_of_a_running_turn_the_last_answer_in_a_recording_counts() -> None:
    first, second = answered((1000, 1500, 0.9), (1000, 2000, 0.6), (1000, 4500, 0.2))
    assert first == pytest.approx(0.6)
    assert second == pytest.approx(0.2)

"""A speaker's offset is inferred from segments whose labels nobody told."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from stimmung.engine.errors import InputError
from stimmung.engine.models.statistics import OffsetModel, Population
from stimmung.engine.streaming.speaker.normaliser import InputReorderBuffer, Normaliser
from stimmung.engine.streaming.speaker.offset import InferredOffset, OffsetFilter, Projection
from stimmung.engine.types import Segment, Span

Doubles = npt.NDArray[np.float64]

LABELS = ("anger", "happiness", "neutral", "sadness")
NEUTRAL = 2
CENTRES = np.array([[3.0, 0, 0], [0, 3.0, 0], [-1.0, -1.0, -1.0], [0, 0, 3.0]])
WITHIN = np.diag([0.5, 0.6, 0.7])
BETWEEN = np.array([[4.0, 1.0, 0], [1.0, 3.0, 0], [0, 0, 2.0]])
RATE = 100


def model(**changes: Any) -> OffsetModel:
    """Four labels, three scores of five features."""
    arrays = {
        "mean": np.arange(5.0),
        "scale": np.full(5, 2.0),
        "weights": np.eye(3, 5),
        "centres": CENTRES,
        "within": WITHIN,
        "between": BETWEEN,
        "offset": np.array([0.5, 0, 0]),
    }
    settings: dict[str, Any] = {
        "labels": LABELS,
        "expressiveness": (0.4, 0.6, 0.8, 1.0),
        "shares": (0.25, 0.25, 0.25, 0.25),
        "prior": (1.0, 1.0, 2.0, 1.0),
        "neutral": NEUTRAL,
    }
    arrays |= {key: changes.pop(key) for key in [*changes] if key in arrays}
    return OffsetModel.of(arrays, **{**settings, **changes})


def spoken(labels: Sequence[int], offset: Sequence[float], stretch: float = 1.0, seed: int = 0) -> Doubles:
    """Scores, (n, 3), of somebody with that offset and expressiveness."""
    random = np.random.default_rng(seed)
    centres = CENTRES[NEUTRAL] + stretch * (CENTRES - CENTRES[NEUTRAL])
    noise = random.normal(size=(len(labels), 3)) * np.sqrt(np.diag(WITHIN))
    return centres[[*labels]] + np.asarray(offset) + noise


def exact(scores: Doubles, one: OffsetModel) -> Doubles:
    """The log posterior of the last label over every sequence of labels: no hypothesis is dropped."""
    prior = np.log(np.array(one.prior) / np.sum(one.prior))
    total = np.full(len(LABELS), -np.inf)
    for stretch, share in zip(one.expressiveness, one.shares, strict=True):
        centres = CENTRES[NEUTRAL] + stretch * (CENTRES - CENTRES[NEUTRAL])
        for sequence in itertools.product(range(len(LABELS)), repeat=len(scores)):
            count = len(scores)
            covariance = np.kron(np.eye(count), WITHIN) + np.kron(np.ones((count, count)), BETWEEN)
            rest = (scores - centres[[*sequence]] - one.array("offset")).ravel()
            likelihood = -0.5 * rest @ np.linalg.solve(covariance, rest)
            log_weight = np.log(share) + prior[[*sequence]].sum() + likelihood
            total[sequence[-1]] = np.logaddexp(total[sequence[-1]], log_weight)
    result: Doubles = total - np.logaddexp.reduce(total)
    return result


def answers(scores: Doubles, one: OffsetModel) -> Doubles:
    found = OffsetFilter(one)
    return np.array([found.add(row, 1.0) for row in scores])


def test_the_answer_is_that_of_all_sequences_of_labels() -> None:
    scores = spoken([0, 2, 3, 2], [1.0, -1.0, 0.5], 0.8)
    found = answers(scores, model(hypotheses=4**4))
    for count in range(1, 5):
        np.testing.assert_allclose(
            np.exp(found[count - 1]), np.exp(exact(scores[:count], model())), atol=1e-9
        )


@pytest.mark.parametrize("seed", range(3))
def test_it_recovers_an_offset_that_nobody_told(seed: int) -> None:
    offset = np.array([2.0, -2.5, 1.5])
    labels = np.random.default_rng(seed).permutation(np.arange(80) % 4)
    found = OffsetFilter(model())
    for row in spoken(labels, offset, 0.8, seed):
        found.add(row, 1.0)
    np.testing.assert_allclose(found.offset, offset, atol=0.5)
    assert found.expressiveness == pytest.approx(0.8, abs=0.15)


def test_mostly_neutral_speech_stays_neutral_where_standardising_makes_alarms_of_it() -> None:
    labels = np.where(np.arange(300) % 20 == 19, 0, NEUTRAL)
    scores = spoken(labels, [2.0, -1.0, 1.0], 1.0, seed=1)
    inferred = answers(scores, model(expressiveness=(1.0,), shares=(1.0,))).argmax(axis=1)
    balanced = CENTRES.mean(axis=0)
    deviation = np.sqrt(CENTRES.var(axis=0) + np.diag(WITHIN))
    normaliser = Normaliser(Population.of(balanced, deviation, 10.0))
    mapped = [normaliser.add(row.astype(np.float32), 2.0) for row in scores]
    standardised = ((np.array(mapped)[:, np.newaxis] - CENTRES) ** 2).sum(axis=-1).argmin(axis=1)
    late = (labels == NEUTRAL) & (np.arange(300) >= 100)
    assert (inferred[late] != NEUTRAL).mean() < 0.02
    assert (standardised[late] != NEUTRAL).mean() > 0.2
    assert (inferred[labels == 0] == 0).mean() > 0.8


def test_the_same_scores_give_the_same_numbers_to_the_last_bit() -> None:
    scores = spoken([2, 0, 2, 3, 1, 2] * 10, [1.0, 1.0, 0.0])
    assert answers(scores, model()).tobytes() == answers(scores, model()).tobytes()


def test_of_equal_hypotheses_the_first_are_kept() -> None:
    """Two labels with one centre make pairs of equal hypotheses."""
    twins = model(centres=np.array([[0.0, 0, 0], [0, 0, 0], [1.0, 1, 1], [1.0, 1, 1]]), hypotheses=3)
    scores = spoken([2, 0, 2, 3] * 5, [0.0, 0.0, 0.0])
    found = answers(scores, twins)
    np.testing.assert_allclose(found[0, 0], found[0, 1], rtol=1e-12)
    assert found.tobytes() == answers(scores, twins).tobytes()


def test_what_is_not_settled_or_not_new_is_answered_and_changes_nothing() -> None:
    found, scores = OffsetFilter(model(forget_s=60.0)), spoken([0, 2, 1, 3], [1.0, 2.0, -1.0])
    for row in scores[:3]:
        found.add(row, 1.0, True, 3.0)
    before = found.state()
    unsettled, old = found.add(scores[3], 1.0, False, 2.0), found.add(scores[3], 0.0, True, 2.0)
    assert all(before[name] is array for name, array in found.state().items())
    np.testing.assert_array_equal(unsettled, old)
    np.testing.assert_array_equal(found.add(scores[3], 1.0, True, 2.0), unsettled)
    assert not np.array_equal(before["means"], found.state()["means"])


def test_parts_of_an_utterance_count_as_much_as_the_utterance() -> None:
    """Five overlapping windows with the same scores, a fifth of each new, of one label beyond doubt."""
    (row,) = spoken([0], [0.0, 0.0, 0.0])
    sure = {"centres": 100 * CENTRES, "expressiveness": (1.0,), "shares": (1.0,)}
    whole, parts = OffsetFilter(model(**sure)), OffsetFilter(model(**sure))
    whole.add(99 * CENTRES[0] + row, 1.0)
    for _ in range(5):
        parts.add(99 * CENTRES[0] + row, 0.2)
    np.testing.assert_allclose(parts.offset, whole.offset, atol=1e-9)
    np.testing.assert_allclose(parts.state()["covariance"], whole.state()["covariance"], atol=1e-9)


def test_what_is_forgotten_is_half_gone_after_its_seconds() -> None:
    one = model(forget_s=60.0, offset=np.zeros(3), expressiveness=(1.0,), shares=(1.0,))
    found = OffsetFilter(one)
    for row in spoken([0, 1, 2, 3] * 20, [2.0, 2.0, 2.0]):
        found.add(row, 1.0, True, 1e-6)
    state = found.state()
    kept, later = OffsetFilter(one), OffsetFilter(one)
    kept.restore(state)
    later.restore(state)
    # A segment that counts for next to nothing shows what a minute of speech does to the state by itself.
    later.add(CENTRES[2] + kept.offset / 2, 1e-9, True, 60.0)
    np.testing.assert_allclose(later.offset, kept.offset / 2, rtol=0.02)
    widened = later.state()["covariance"]
    np.testing.assert_allclose(widened, BETWEEN + 0.25 * (state["covariance"] - BETWEEN), atol=1e-6)


def test_a_changed_room_is_learnt_anew_where_offsets_are_forgotten() -> None:
    labels = np.arange(200) % 4
    scores = np.concatenate([spoken(labels, [3.0, -2.0, 2.0]), spoken(labels, [-3.0, 2.0, -2.0], seed=1)])
    wrong = {}
    for forget_s in (0.0, 60.0):
        found = OffsetFilter(model(forget_s=forget_s))
        labelled = [found.add(row, 1.0, True, 3.0).argmax() for row in scores]
        wrong[forget_s] = (np.array(labelled[300:]) != labels[100:]).mean()
    assert wrong[60.0] < 0.1 < wrong[0.0]


def test_a_state_restored_goes_on_as_the_one_it_was_taken_from() -> None:
    scores = spoken([2, 0, 1, 3] * 6, [1.0, -2.0, 1.0])
    one, other = OffsetFilter(model()), OffsetFilter(model())
    for row in scores[:12]:
        one.add(row, 1.0)
    other.restore({name: array.copy() for name, array in one.state().items()})
    for row in scores[12:]:
        np.testing.assert_array_equal(one.add(row, 1.0), other.add(row, 1.0))


@pytest.mark.parametrize("name", ["means", "log_weights", "covariance"])
@pytest.mark.parametrize("spoilt", [np.zeros((2, 2)), np.full((4, 1, 3), np.nan), None])
def test_a_state_of_another_model_is_refused(name: str, spoilt: Doubles | None) -> None:
    state = OffsetFilter(model()).state()
    if spoilt is None:
        del state[name]
    else:
        state[name] = spoilt
    with pytest.raises(InputError, match="not the offset of a speaker by this model"):
        OffsetFilter(model()).restore(state)


def segment(index: int, settled: bool = True, speech: float = 1.0, length: int = 500) -> Segment:
    """Five seconds, by default of nothing but speech."""
    span = Span(100 * index, 100 * index + length, RATE)
    return Segment("s", index, span, np.zeros(0, np.float32), speech, settled=settled)


def rows(count: int) -> list[npt.NDArray[np.float32]]:
    found = np.random.default_rng(0).normal(np.arange(5.0), 4.0, (count, 5))
    return [*found.astype(np.float32)]


def test_segments_count_for_the_share_of_their_speech_that_is_new() -> None:
    inferred, alone = InferredOffset(model()), OffsetFilter(model())
    (first, second), projection = rows(2), Projection(model())
    # 2 of 5 s are speech in the first, all of it new; 3 of 5 in the second, one of them new.
    for values, speech, new_s, weight in ((first, 0.4, 2.0, 1.0), (second, 0.6, 1.0, 1 / 3)):
        found = inferred.add(segment(0, speech=speech), new_s, [values])
        expected = alone.add(projection.scores(values), weight)
        assert found is not None
        np.testing.assert_array_equal(found[0], values)
        np.testing.assert_array_equal(found[1], expected.astype(np.float32))
    np.testing.assert_allclose(inferred.filter.offset, alone.offset, rtol=1e-12)


def test_a_turn_counts_once_however_often_it_was_answered_while_it_ran() -> None:
    running, at_once = InferredOffset(model()), InferredOffset(model())
    (values,) = rows(1)
    for new_s in (2.0, 3.0, 4.0):
        running.add(segment(0, settled=False), new_s, [values])
    running.add(segment(0, settled=False), 4.5, None)
    running.add(segment(1), 5.0, [values])
    at_once.add(segment(0), 5.0, [values])
    np.testing.assert_array_equal(running.filter.offset, at_once.filter.offset)


def test_a_missing_input_has_no_evidence_and_counts_for_nothing() -> None:
    inferred = InferredOffset(model())
    missing = np.full(5, np.nan, np.float32)
    before = inferred.filter.state()
    assert inferred.add(segment(0), 5.0, None) is None
    found = inferred.add(segment(1), 5.0, [missing])
    assert found is not None
    assert len(found) == 1
    assert all(before[name] is array for name, array in inferred.filter.state().items())


def test_segments_are_heard_in_their_order_whenever_they_come() -> None:
    values = rows(6)
    found = []
    for order in ([0, 1, 2, 3, 4, 5], [5, 3, 0, 2, 1, 4]):
        waiting = InputReorderBuffer(InferredOffset(model()))
        for index in range(6):
            waiting.expect(segment(index), 1.0)
        left = [one for index in order for one in waiting.add(index, None if index == 2 else [values[index]])]
        assert [one.index for one, _ in left] == [0, 1, 3, 4, 5]
        found.append([inputs[1].tolist() for _, inputs in left])
    assert found[0] == found[1]


def test_what_contradicts_itself_is_named() -> None:
    assert model().misfit() == ""
    assert "within" in model(within=np.zeros((3, 3))).misfit()
    assert "centres" in model(centres=CENTRES[:3]).misfit()
    assert "scale" in model(scale=np.zeros(5)).misfit()
    assert "weights" in model(weights=np.full((3, 5), np.nan)).misfit()
    assert "prior" in model(prior=(1.0, 1.0)).misfit()
    assert "shares" in model(shares=(1.0,)).misfit()
    assert "neutral" in model(neutral=4).misfit()


def test_the_digest_is_of_what_gives_an_offset_its_meaning() -> None:
    assert model().digest == model(prior=(1.0, 1.0, 9.0, 1.0), forget_s=60.0).digest
    for change in ({"within": 2 * WITHIN}, {"neutral": 1}, {"labels": LABELS[::-1]}, {"offset": np.zeros(3)}):
        assert model().digest != model(**change).digest


def test_it_says_how_much_speech_it_has_learnt_from() -> None:
    inferred, (values,) = InferredOffset(model()), rows(1)
    inferred.add(segment(0), 5.0, [values])
    inferred.add(segment(1, settled=False), 3.0, [values])
    inferred.add(segment(2), 0.0, [values])
    inferred.add(segment(3), 2.0, None)
    inferred.add(segment(4), 2.0, [np.full(5, np.nan, np.float32)])
    inferred.add(segment(5), 1.0, [values])
    assert inferred.speech_s == 6.0

"""The rolling majority."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stimmung.engine.streaming.vote import Vote
from stimmung.engine.types import Prediction, Reason, Span, Status

LABELS = ("calm", "tense", "glad")


def spoken(stop: int, length: int = 4, **probabilities: float) -> Prediction:
    given = {label: probabilities.get(label, 0.0) for label in LABELS}
    return Prediction("s", 0, Span(max(0, stop - length), stop, 1), "emotion", given)


def vote(**options: float | None) -> Vote:
    return Vote("s", "emotion", LABELS, **{"span": 10, **options})  # type: ignore[arg-type]


def add(poll: Vote, *predictions: Prediction) -> list[str | None]:
    return [poll.add(p.span, p).label for p in predictions]


def test_the_majority_of_the_last_span_wins() -> None:
    labels = add(vote(), spoken(4, calm=1), spoken(5, tense=1), spoken(6, tense=1), spoken(7, tense=1))
    assert labels == ["calm", "calm", "tense", "tense"]


def test_a_tie_keeps_the_previous_label() -> None:
    poll = vote()
    assert add(poll, spoken(4, tense=0.6, calm=0.4), spoken(5, calm=1)) == ["tense", "tense"]


def test_a_first_tie_is_broken_by_probability() -> None:
    state = vote().add(Span(0, 4, 1), spoken(4, calm=0.5, tense=0.5))
    assert state.label == "calm"


def test_only_predictions_wholly_inside_the_span_vote() -> None:
    poll = vote()
    add(poll, spoken(4, calm=1), spoken(5, calm=1))
    state = poll.add(Span(8, 12, 1), spoken(12, tense=1))
    assert state.span == Span(2, 12, 1)
    assert (state.voters, state.votes, state.label) == (1, {"calm": 0, "tense": 1, "glad": 0}, "tense")


def test_the_newest_prediction_votes_even_if_it_is_longer_than_the_span() -> None:
    state = vote().add(Span(0, 30, 1), spoken(30, length=30, glad=1))
    assert (state.label, state.voters) == ("glad", 1)


def test_silence_only_moves_the_clock_until_nobody_is_left_to_vote() -> None:
    poll = vote()
    add(poll, spoken(4, calm=1))
    assert poll.add(Span(5, 9, 1), None).label == "calm"
    state = poll.add(Span(20, 24, 1), None)
    assert (state.status, state.label, state.voters) == (Status.NO_SPEECH, None, 0)


def test_after_silence_no_label_is_kept_from_before() -> None:
    poll = vote()
    add(poll, spoken(4, tense=1))
    poll.add(Span(20, 24, 1), None)
    state = poll.add(Span(21, 25, 1), spoken(25, calm=0.5, tense=0.5))
    assert state.label == "calm"


def test_a_margin_holds_the_label_until_the_lead_is_clear() -> None:
    labels = add(
        vote(margin=2), spoken(4, calm=1), spoken(5, tense=1), spoken(6, tense=1), spoken(7, tense=1)
    )
    assert labels == ["calm", "calm", "calm", "tense"]


def test_a_state_below_the_confidence_threshold_is_unsure_and_says_of_what() -> None:
    state = vote(unsure_below=0.5).add(Span(0, 4, 1), spoken(4, calm=0.4, tense=0.35, glad=0.25))
    assert (state.status, state.label) == (Status.UNSURE, "calm")
    assert state.confidence == pytest.approx(0.4)


def far(stop: int, distance: float | None, **probabilities: float) -> Prediction:
    return replace(spoken(stop, **probabilities), distance=distance)


def test_a_state_that_is_unsure_says_why() -> None:
    poll = vote(unsure_below=0.5, unsure_beyond=1.0)
    states = [
        poll.add(one.span, one)
        for one in (far(4, 0.9, calm=1), far(20, 0.9, calm=0.4, tense=0.35), far(40, 1.1, calm=1))
    ]
    assert [state.status for state in states] == [Status.OK, Status.UNSURE, Status.UNSURE]
    assert [state.reason for state in states] == [None, Reason.CONFIDENCE, Reason.DISTANCE]
    assert states[2].label == "calm"


def test_it_takes_more_than_half_of_the_voters_to_be_unlike_the_training_data() -> None:
    poll = vote(unsure_beyond=1.0)
    voters = [far(stop, distance, calm=1) for stop, distance in ((4, 0.5), (5, 3.0), (6, 3.0), (7, 0.5))]
    reasons = [poll.add(one.span, one).reason for one in voters]
    assert reasons == [None, None, Reason.DISTANCE, None]


def test_where_both_hold_the_distance_is_why() -> None:
    one = far(4, 2.0, calm=0.4, tense=0.35)
    assert vote(unsure_below=0.5, unsure_beyond=1.5).add(one.span, one).reason is Reason.DISTANCE


@pytest.mark.parametrize(("limit", "distance"), [(None, 100.0), (1.0, 1.0), (1.0, None)])
def test_no_distance_makes_a_state_unsure_without_a_limit_or_within_it(
    limit: float | None, distance: float | None
) -> None:
    one = far(4, distance, calm=1)
    state = vote(unsure_beyond=limit).add(one.span, one)
    assert (state.status, state.reason) == (Status.OK, None)


def test_silence_has_no_reason() -> None:
    poll = vote(unsure_beyond=1.0)
    one = far(4, 2.0, calm=1)
    poll.add(one.span, one)
    assert poll.add(Span(20, 24, 1), None).reason is None


def test_probabilities_are_the_mean_of_the_voters() -> None:
    poll = vote()
    add(poll, spoken(4, calm=0.9, tense=0.1))
    state = poll.add(Span(1, 5, 1), spoken(5, calm=0.5, tense=0.5))
    assert state.probabilities == pytest.approx({"calm": 0.7, "tense": 0.3, "glad": 0.0})


def test_a_turn_votes_by_its_latest_answer_alone() -> None:
    poll = Vote("s", "emotion", LABELS, span=20, by_turn=True)
    add(poll, spoken(2, 2, calm=1), spoken(8, 3, glad=1), spoken(9, 4, glad=1), spoken(10, 5, tense=1))
    state = poll.add(Span(10, 11, 1), None)
    assert state.votes == {"calm": 1, "tense": 1, "glad": 0}

"""A feature moves from the population's distribution to the speaker's, and never further than it should."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stimmung.engine.calls.instances import LocalInstance
from stimmung.engine.calls.pending import Calls
from stimmung.engine.calls.spec import spec_of
from stimmung.engine.config.schema import describe
from stimmung.engine.errors import ConfigError, PluginError
from stimmung.engine.models.statistics import Population
from stimmung.engine.plugin import Input
from stimmung.engine.streaming.circuit_breaker import CircuitBreaker
from stimmung.engine.streaming.ledger import Ledger
from stimmung.engine.streaming.speaker.normaliser import (
    BOUND_SD,
    LEAST,
    InputReorderBuffer,
    Normaliser,
    Standardised,
)
from stimmung.engine.streaming.stretch import Stretch
from stimmung.engine.types import Floats, Segment, Span

POPULATION = Population.of([100.0, -3.0], [10.0, 0.5], 10.0)
NONE = np.zeros(0, np.float32)


def row(*values: float) -> Floats:
    return np.array(values, np.float32)


def speaker(shift: float, spread: float, count: int) -> list[Floats]:
    """A feature's values of somebody who differs from the population by these deviations."""
    drawn = np.random.default_rng(0).normal(shift, spread, count)
    return [row(100 + 10 * z, -3 + 0.5 * z) for z in drawn]


def test_who_has_not_been_heard_yet_is_the_population() -> None:
    np.testing.assert_allclose(Normaliser(POPULATION).add(row(117, -2), 0.0), row(117, -2), rtol=1e-6)


def test_somebody_of_other_level_and_liveliness_ends_up_like_the_population() -> None:
    normaliser = Normaliser(POPULATION)
    found = np.array([normaliser.add(values, 1.0) for values in speaker(3.0, 2.0, 600)])
    late = found[300:]
    np.testing.assert_allclose(late.mean(axis=0), [100, -3], atol=1.0)
    np.testing.assert_allclose(late.std(axis=0), [10, 0.5], rtol=0.1)
    assert found[0, 0] > 110  # at first the shift is still there


def test_the_population_counts_for_its_seconds() -> None:
    """After as many seconds as the prior's, half of a shift is gone."""
    normaliser = Normaliser(Population.of([0.0], [1.0], 10.0))
    for _ in range(5):
        for value in (1.01, -0.99):
            normaliser.add(row(value), 1.0)
    assert float(normaliser.add(row(0.01), 0.0)[0]) == pytest.approx(0.005, rel=0.01)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6, width=32), st.floats(0, 30)), min_size=1, max_size=30))
def test_no_feature_becomes_infinite_or_strays_beyond_the_floor(heard: list[tuple[float, float]]) -> None:
    normaliser = Normaliser(Population.of([0.0], [1.0], 1.0))
    for value, speech_s in heard:
        (mapped,) = normaliser.add(row(value), speech_s)
        assert abs(mapped) <= (abs(value) + BOUND_SD) / LEAST + 1


def test_an_hour_of_one_tone_is_not_blown_up() -> None:
    normaliser = Normaliser(POPULATION)
    for _ in range(3600):
        normaliser.add(row(100, -3), 1.0)
    assert normaliser.add(row(101, -3), 0.0)[0] == pytest.approx(100 + 1 / LEAST, rel=0.01)


def test_one_glitch_does_not_decide_over_the_rest_of_a_stream() -> None:
    clean, glitched = Normaliser(POPULATION), Normaliser(POPULATION)
    glitched.add(row(1e9, -3), 0.5)
    for values in speaker(0.0, 1.0, 300):
        expected, found = clean.add(values, 1.0), glitched.add(values, 1.0)
    assert abs(found[0] - expected[0]) < 10


def test_what_never_varied_in_training_passes_without_being_divided_by_zero() -> None:
    normaliser = Normaliser(Population.of([5.0], [0.0], 10.0))
    assert float(normaliser.add(row(5), 1.0)[0]) == 5.0
    assert np.isfinite(normaliser.add(row(7), 1.0)).all()


def test_a_missing_input_stays_missing_and_counts_for_nothing() -> None:
    one, other = Normaliser(POPULATION), Normaliser(POPULATION)
    assert np.isnan(one.add(row(np.nan, np.nan), 3.0)).all()
    np.testing.assert_array_equal(one.add(row(120, -2), 1.0), other.add(row(120, -2), 1.0))


def test_a_copy_goes_its_own_way() -> None:
    one = Normaliser(POPULATION)
    one.add(row(120, -2), 5.0)
    other = one.copy()
    other.add(row(900, 3), 50.0)
    again = Normaliser(POPULATION)
    again.add(row(120, -2), 5.0)
    np.testing.assert_array_equal(one.add(row(90, -3), 1.0), again.add(row(90, -3), 1.0))


def segment(index: int) -> Segment:
    return Segment("s", index, Span(index, index + 1, 1), NONE)


@settings(deadline=None)
@given(st.permutations(range(8)), st.sets(st.integers(0, 7)))
def test_inputs_leave_in_the_order_of_segments_whatever_order_they_come_in(
    arrivals: list[int], lost: set[int]
) -> None:
    values = {index: [row(100 + 7 * index, -3), row(index, index)] for index in range(8)}

    def through(order: list[int]) -> list[tuple[int, list[list[float]]]]:
        waiting = InputReorderBuffer(Standardised([POPULATION, None]))
        for index in range(8):
            waiting.expect(segment(index), 1.0 + index)
        found = []
        for index in order:
            for ready, mapped in waiting.add(index, None if index in lost else values[index]):
                found.append((ready.index, [one.tolist() for one in mapped]))
            waiting.add(index, None)  # a second input of a lost segment
        return found

    found = through(arrivals)
    assert [index for index, _ in found] == [index for index in range(8) if index not in lost]
    assert found == through(list(range(8)))
    assert all(mapped[1] == [index, index] for index, mapped in found)


class Always:
    """Everything is speech."""

    name, rate, hop = "always", 100, 10

    def detect(self, samples: Floats) -> Any:
        return np.ones(len(samples) // self.hop, bool)


def always() -> CircuitBreaker:
    bus: Any = None  # what is near is asked without
    seat, edge = LocalInstance("always", Always), Ledger().edge("detect", "blocks")
    return CircuitBreaker("always", seat, Calls(bus), edge, lambda span, reason, error: None)


def cut_by(stretch: Stretch) -> list[Span]:
    return [cut.span for _, found in stretch.blocks() for cut in found]


def test_windows_that_overlap_count_their_speech_once() -> None:
    tables = {"stream": {"rate": 100}, "extractors": [{"plugin": "hsf"}]}
    stretch = Stretch(0, describe(tables, "here"), [], always(), lambda span, flags: None)
    stretch.append(np.zeros(1000, np.float32))
    spans = cut_by(stretch)
    assert [span.length for span in spans] == [100, 200, 300, 400, 500, 500, 500, 500, 500, 500]
    assert [stretch.new_speech(span) for span in spans] == [100] * 10


def test_a_silent_window_leaves_its_speech_to_the_next_that_counts() -> None:
    tables = {"stream": {"rate": 100}, "extractors": [{"plugin": "hsf"}]}
    stretch = Stretch(0, describe(tables, "here"), [], always(), lambda span, flags: None)
    stretch.append(np.zeros(300, np.float32))
    first, _, third = cut_by(stretch)
    assert (stretch.new_speech(first), stretch.new_speech(third)) == (100, 200)


def test_a_segment_that_is_not_settled_leaves_its_speech_to_the_next() -> None:
    tables = {"stream": {"rate": 100}, "extractors": [{"plugin": "hsf"}]}
    stretch = Stretch(0, describe(tables, "here"), [], always(), lambda span, flags: None)
    stretch.append(np.zeros(300, np.float32))
    first, second, third = cut_by(stretch)
    assert (stretch.new_speech(first), stretch.new_speech(second, settled=False)) == (100, 100)
    assert stretch.new_speech(third) == 200


def test_what_is_not_settled_is_answered_as_if_it_were_and_leaves_no_trace() -> None:
    one, other = Normaliser(POPULATION), Normaliser(POPULATION)
    one.add(row(120, -2), 5.0)
    other.add(row(120, -2), 5.0)
    running = one.add(row(90, -4), 2.0, settled=False)
    np.testing.assert_array_equal(one.copy().add(row(90, -4), 2.0), running)
    np.testing.assert_array_equal(one.add(row(95, -4), 3.0), other.add(row(95, -4), 3.0))


class Declares:
    """A classifier with a population."""

    name, rate, target, labels, inputs = "declares", 16000, "mood", ("low", "high"), (Input("two", 2),)

    def __init__(self, *population: object) -> None:
        self.population = population

    def predict(self, features: Any) -> Any:
        return features


def test_a_population_of_the_right_size_is_a_fact() -> None:
    assert spec_of("declares", Declares(POPULATION)).population == (POPULATION,)
    assert spec_of("declares", Declares(None)).population == (None,)
    assert spec_of("declares", Declares()).population == ()


@pytest.mark.parametrize(
    "population",
    [
        (Population.of([1.0], [1.0], 10.0),),
        (POPULATION, None),
        (Population.of([1.0, 2.0], [1.0], 10.0),),
        (Population.of([1.0, 2.0], [1.0, 1.0], 0.0),),
        ("hsf",),
    ],
)
def test_a_population_that_does_not_fit_is_refused(population: tuple[object, ...]) -> None:
    with pytest.raises(PluginError, match="declares an unfit attribute"):
        spec_of("declares", Declares(*population))


def test_only_classifiers_are_normalised_and_by_nothing_else() -> None:
    extractor = {"extractors": [{"plugin": "hsf"}]}
    with pytest.raises(ConfigError, match="normalise is not usable: Invalid enum value 'speaker'"):
        describe({**extractor, "classifiers": [{"plugin": "svm", "normalise": "speaker"}]}, "here")
    assert describe(extractor, "here").extractors[0].options == {}
    own = describe({"extractors": [{"plugin": "hsf", "normalise": "stream"}]}, "here").extractors[0]
    assert own.options == {"normalise": "stream"}  # an extractor's own option of that name, if it has one

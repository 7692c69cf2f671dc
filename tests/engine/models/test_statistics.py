"""The populations of a model are part of it: verified with it, and refused when they are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from stimmung.engine.errors import ModelError
from stimmung.engine.models.cards import Card, CardInput, TrainedOn, load_card, verify, write_card
from stimmung.engine.models.statistics import FILE, Population, read_populations, write_populations

POPULATION = Population.of([100.0, -3.0], [10.0, 0.5], 12.5)
CARD = Card(
    name="mood",
    plugin="svm",
    target="emotion",
    labels=["happy", "sad"],
    rate=16000,
    inputs=[CardInput("words", 3, "1"), CardInput("voice", 2, "1")],
    trained_on=TrainedOn("tones", "nobody 2020", "none", clips=10, speakers=2, hours=0.5),
    protocol="loso",
    figures={},
    licence="MIT",
    intended_use="tests",
    limits="all",
    created="2026-01-01",
    versions={},
)


def test_each_input_gets_its_own_back_and_others_none(tmp_path: Path) -> None:
    write_populations(tmp_path, {"voice": POPULATION}, POPULATION.prior_s)
    write_card(tmp_path, CARD)
    card = load_card(tmp_path)
    verify(tmp_path, card)
    assert read_populations(tmp_path, card) == (None, POPULATION)


def test_a_file_that_the_card_does_not_vouch_for_is_not_read(tmp_path: Path) -> None:
    write_populations(tmp_path, {"voice": POPULATION}, POPULATION.prior_s)
    assert read_populations(tmp_path, CARD) == ()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not at all")
    write_card(tmp_path, CARD)
    with pytest.raises(ModelError, match="holds no population"):
        read_populations(tmp_path, load_card(tmp_path))

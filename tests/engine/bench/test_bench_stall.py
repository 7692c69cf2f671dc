"""What ``bench stall`` compares: spells of one run, in which a twin worked or stood still."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from stimmung.engine.bench.live import Lags
from stimmung.engine.bench.stall import TWIN, Stall, StallInterval, beside, needed_s, stall
from stimmung.engine.cli import group
from stimmung.engine.errors import ConfigError
from stimmung.engine.runtime.host import Host
from support import RATE, acme, syllables

HOP_S, SPELL_S = 0.25, 3.0


@pytest.fixture(scope="module")
def found() -> Stall:
    """24 windows for the twin in a spell, of which 16 can wait for it."""
    description = acme(bus={"queue": 12}, segments={"hop_s": HOP_S})
    return stall(description, syllables(needed_s(2, SPELL_S)), 2, pairs=2, spell_s=SPELL_S, margin_s=0.5)


def test_spells_with_and_without_a_stall_take_turns_in_one_run(found: Stall) -> None:
    assert [spell.stalled for spell in found.spells] == [False, True, False, True]
    for one, other in zip(found.spells, found.spells[1:], strict=False):
        assert one.ended_s + 0.5 <= other.began_s, "the moment after a change is left out"


def test_the_twin_answers_in_its_working_spells_and_in_no_other(found: Stall) -> None:
    for spell in found.spells:
        assert (spell.answers == 0) == spell.stalled
    assert 0 <= found.twin_share < 1


def test_every_state_counts_in_the_spell_it_was_emitted_in_or_is_left_out(found: Stall) -> None:
    windows = round((needed_s(2, SPELL_S) - 1.0) / HOP_S) + 1
    assert len(found.lags.lags) == 2 * 2 * windows  # streams, targets
    assert all(found.lags_ms)
    counted = sum(map(len, found.lags_ms))
    inside = [
        lag
        for lag in found.lags.lags
        if any(spell.began_s <= lag.emitted_s < spell.ended_s for spell in found.spells)
    ]
    assert counted == len(inside) == len(found.pooled(False)) + len(found.pooled(True))
    assert found.left_out == len(found.lags.lags) - counted > 0


def test_what_the_twin_is_owed_is_bounded_and_its_own(found: Stall) -> None:
    dropped = +found.lags.dropped
    assert dropped[f"extract {TWIN}"] > 0
    assert set(dropped) == {f"extract {TWIN}"}
    assert dropped[f"extract {TWIN}"] == found.lags.faults[TWIN] == found.lags.faults.total()
    assert found.lags.settled


def told(lags_ms: list[list[float]]) -> Stall:
    with Host(acme()) as host:
        lags = Lags(host)
    spells = [StallInterval(number % 2 == 1, number, number + 1.0, 0) for number in range(len(lags_ms))]
    return Stall(spells, lags_ms, lags, 0.0)


def test_a_machine_that_grows_slower_from_pair_to_pair_is_no_cost_of_a_stall() -> None:
    random = np.random.default_rng(0)
    lags_ms = []
    for pair in range(12):
        without = random.gamma(2.0, 3.0 + 5 * pair, 40)
        lags_ms += [list(without), list(without + 5.0)]
    stalled = told(lags_ms)
    assert stalled.added_ms() == pytest.approx(5.0)
    assert stalled.interval_ms() == pytest.approx((5.0, 5.0))


def test_a_stall_that_costs_in_one_spell_alone_is_not_certain() -> None:
    lags_ms = [[1.0] * 20 for _ in range(24)]
    lags_ms[5] = [100.0] * 20
    stalled = told(lags_ms)
    assert stalled.added_ms() == pytest.approx(99.0)
    low, high = stalled.interval_ms()
    assert (low, high) == pytest.approx((0.0, 99.0))


def test_spells_with_nothing_said_leave_the_others_to_compare() -> None:
    stalled = told([[1.0], [3.0], [], []])
    assert stalled.added_ms() == 2.0
    assert stalled.interval_ms() == (2.0, 2.0)


def test_speech_too_short_for_the_spells_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2\.5 s of speech hold no 1 pairs of spells"):
        stall(acme(), syllables(2.5), 1, pairs=1, spell_s=1.0, margin_s=0.2)


def test_spells_too_short_for_a_state_are_refused() -> None:
    description = acme(segments={"shortest_s": 3.0})
    with pytest.raises(ConfigError, match="no state was emitted in the spells"):
        stall(description, syllables(needed_s(1, 0.1)), 1, pairs=1, spell_s=0.1, margin_s=0.05)


def test_the_twin_serves_whatever_the_rate_of_the_stream() -> None:
    with Host(beside(acme())) as host:
        assert host.bus.facts[TWIN].rate == RATE
        assert host.bus.facts[TWIN].dim == 1


def test_the_command_says_what_a_stall_adds_and_how_certain_that_is() -> None:
    options = [
        "--pipeline",
        "hsf_svm",
        "--streams",
        "1",
        "--spells",
        "2",
        "--spell-s",
        "1.5",
        "--margin-s",
        "0.2",
    ]
    done = CliRunner().invoke(group, ["bench", "stall", *options])
    assert done.exit_code == 0, done.output
    works, still, adds, rest = done.output.splitlines()
    assert works.startswith("2 spells in which it works: ")
    assert still.startswith("2 spells in which it stands still: ")
    assert still.endswith("it answered 0 calls")
    assert adds.startswith("a stall adds to p99: ")
    assert "95 % interval " in adds
    assert "0 faults of others, the ledger reconciles; load " in rest


def test_a_margin_longer_than_a_spell_is_refused() -> None:
    done = CliRunner().invoke(group, ["bench", "stall", "--spell-s", "1"])
    assert done.exit_code == 2
    assert "it must be shorter than a spell, 1 s" in done.output

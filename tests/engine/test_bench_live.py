"""What ``bench live`` and ``bench soak`` measure is there, and was measured on streams that lost nothing."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from stimmung.engine import bench_live
from stimmung.engine.cli import group
from support import acme, syllables


def test_every_state_of_every_stream_has_its_lag() -> None:
    lags = bench_live.live(acme(), syllables(3.0), 2)
    assert len(lags.lags_ms) == 2 * 2 * 3  # streams, targets, windows
    assert 0 <= lags.percentile(50) <= lags.percentile(95) <= lags.percentile(99)
    assert (lags.faults, lags.dropped, lags.settled) == (0, 0, True)


def test_beside_a_stalled_plugin_all_states_come() -> None:
    ((without, beside),) = bench_live.stalled(acme(), syllables(2.0), 1)
    assert without > 0
    assert beside > 0


def test_each_killed_plugin_is_waited_for_until_it_is_back() -> None:
    back = bench_live.back_s(acme())
    assert len(back) == 4
    assert all(one > 0 for one in back)


@pytest.mark.parametrize("bus", ["local", "ipc"])
def test_a_soak_leaves_nothing_behind(bus: str) -> None:
    heard: list[float] = []
    found = bench_live.soak(
        acme(bus={"transport": bus}), syllables(60.0), 0.05, lambda hours, held_mb: heard.append(hours)
    )
    assert heard == pytest.approx([1 / 60, 2 / 60, 3 / 60])
    assert (found.descriptors, found.processes) == (0, 0)
    assert abs(found.grown_mb) < 50


def test_the_command_says_what_was_left_behind() -> None:
    done = CliRunner().invoke(group, ["bench", "soak", "--hours", "0.1", "--bus", "local"])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].endswith("left behind: 0 descriptors, 0 processes")


def test_the_command_says_how_late_states_were_and_what_a_crash_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench_live, "stalled", lambda description, samples, rounds: [(1.0, 2.0)] * rounds)
    monkeypatch.setattr(bench_live, "back_s", lambda description: [0.25, 0.5])
    options = ["--streams", "1", "--seconds", "3", "--bus", "local"]
    done = CliRunner().invoke(group, ["bench", "live", *options])
    assert done.exit_code == 0, done.output
    late, *_, back = done.output.splitlines()
    assert late.startswith("1 streams: ")
    assert late.endswith("0 faults, 0 dropped, the ledger reconciles")
    assert back == "back after kill -9: 0.25 s, 0.50 s"

"""What ``bench live`` and ``bench soak`` measure is there, and was measured on streams that lost nothing."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from stimmung.engine.bench import live
from stimmung.engine.cli import group
from stimmung.engine.errors import ConfigError
from support import acme, syllables


def test_every_state_of_every_stream_has_its_lag() -> None:
    found = live.live(acme(), syllables(3.0), 2)
    assert len(found.lags) == 2 * 2 * 3  # streams, targets, windows
    assert all(lag >= 0 for lag in found.of("audio"))
    assert found.of("text") == []
    assert (found.faults.total(), found.dropped.total(), found.settled) == (0, 0, True)


def test_lags_of_windows_and_of_sentences_are_told_apart() -> None:
    description = acme(
        transcript={"plugin": "acme-clock"},
        extractors=[{"plugin": "acme-spelling"}, {"plugin": "acme-loudness"}],
        classifiers=[{"plugin": "acme-loud"}, {"plugin": "acme-spelling", "name": "smile"}],
    )
    found = live.live(description, syllables(4.0), 2)
    assert len(found.of("audio")) == 2 * 4
    assert len(found.of("text")) == 2 * 4  # the transcriber hears a sentence every second
    assert found.settled


@pytest.mark.parametrize("bus", ["local", "ipc"])
def test_a_soak_leaves_nothing_behind(bus: str) -> None:
    heard: list[float] = []
    found = live.soak(
        acme(bus={"transport": bus}), syllables(60.0), 0.05, lambda hours, held_mb: heard.append(hours)
    )
    assert heard == pytest.approx([1 / 60, 2 / 60, 3 / 60])
    assert (found.descriptors, found.processes) == (0, 0)
    assert abs(found.grown_mb) < 50


def test_the_command_says_what_was_left_behind() -> None:
    done = CliRunner().invoke(group, ["bench", "soak", "--hours", "0.1", "--bus", "local"])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1].endswith("left behind: 0 descriptors, 0 processes")


def test_the_command_says_how_late_states_were() -> None:
    options = ["--streams", "1", "--seconds", "3", "--bus", "local"]
    done = CliRunner().invoke(group, ["bench", "live", *options])
    assert done.exit_code == 0, done.output
    late, lost = done.output.splitlines()
    assert re.fullmatch(r"1 streams, windows: 4 states, p50 \S+ ms, p95 \S+ ms, p99 \S+ ms", late)
    assert lost.startswith("1 streams: 0 faults, 0 dropped, the ledger reconciles; load ")


def test_another_transcript_is_described_by_the_keys_of_its_table() -> None:
    asked = ["bench", "live", "--pipeline", "arousal_valence_live", "--transcript"]
    done = CliRunner().invoke(group, [*asked, "vosk:language=ko,spare=true"])
    assert isinstance(done.exception, ConfigError)
    assert 'has a spare but no process; add transport = "ipc"' in str(done.exception)
    done = CliRunner().invoke(group, [*asked, "vosk:language"])
    assert done.exit_code == 2
    assert "'language' in 'vosk:language' is not KEY=VALUE" in done.output

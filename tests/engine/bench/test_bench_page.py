"""What ``bench live --page`` measures: every state's way from the engine to a client of the page."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner
from stimmung.engine.bench import live
from stimmung.engine.cli import group
from stimmung.engine.runtime.host import Host
from support import acme, syllables

pytest.importorskip("starlette", reason="the dashboard's packages are not installed")
from stimmung.engine.bench.page import Page


def test_every_state_of_every_stream_reaches_the_client_after_it_was_emitted() -> None:
    page = Page()
    found = live.live(acme(), syllables(3.0), 2, page.looking)
    assert len(found.lags) == len(page.lags_ms) == 2 * 2 * 3  # streams, targets, windows
    assert page.missing == 0
    assert all(lag_ms > 0 for lag_ms in page.lags_ms)
    assert found.settled


def test_a_run_that_fails_takes_the_client_with_it() -> None:
    page = Page()
    with Host(acme()) as host, pytest.raises(ValueError, match="no sources"), page.looking(host):
        raise ValueError("no sources")
    assert page.lags_ms == []


def test_the_command_says_how_late_states_were_on_the_page() -> None:
    options = ["--streams", "1", "--seconds", "3", "--bus", "local", "--page"]
    done = CliRunner().invoke(group, ["bench", "live", *options])
    assert done.exit_code == 0, done.output
    page = done.output.splitlines()[-1]
    assert re.fullmatch(
        r"1 streams, from state to page: 4 states, p50 \S+ ms, p95 \S+ ms, p99 \S+ ms; 0 missing", page
    )

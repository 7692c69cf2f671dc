"""The benchmark of windows compares what it says it compares."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner
from stimmung.engine.errors import ConfigError
from stimmung.pretrain.bench import windows as bench_windows
from stimmung.pretrain.cli.bench_windows import command

MINUTES = 0.5


@pytest.fixture(autouse=True)
def every_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of the tests keeps its cores."""
    monkeypatch.setattr(bench_windows, "one_core", lambda: None)


def test_the_engine_describes_each_sample_once_and_the_other_side_each_window_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from acme_speech.loudness import Loudness

    described: list[int] = []
    describe = Loudness.describe

    def counted(self: Any, samples: Any) -> Any:
        described.append(len(samples))
        return describe(self, samples)

    monkeypatch.setattr(Loudness, "describe", counted)
    shares = bench_windows.shares("acme-loudness", 5.0, 1.0, MINUTES, rounds=1)
    assert len(shares) == 1
    assert shares[0] > 0
    windows = 60 * MINUTES - 5 + 1
    anew = [size for size in described if size == 5 * 16000]
    once = [size for size in described if size < 5 * 16000]
    assert len(anew) == 2 * windows  # once to warm up, once measured
    assert 2 * 60 * MINUTES * 16000 <= sum(once) < 1.1 * 2 * 60 * MINUTES * 16000


def test_an_extractor_without_descriptors_cannot_be_compared() -> None:
    with pytest.raises(ConfigError, match="extractor 'acme-level' has no descriptors"):
        bench_windows.shares("acme-level", 5.0, 1.0, MINUTES, rounds=1)


def test_the_command_says_what_the_figure_is_a_share_of() -> None:
    arguments = ["--extractor", "acme-loudness", "--minutes", "0.2", "--rounds", "1"]
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.stdout.startswith("5 s windows every 1 s, share of the cost of calling 'acme")

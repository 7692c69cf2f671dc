"""The replay and the plain script beside it hear the same files and decide as often."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from click.testing import CliRunner
from support import RATE, syllables


def test_both_decide_every_second_over_the_same_files(tmp_path: Path) -> None:
    pytest.importorskip("opensmile", reason="needs stimmung[opensmile]")
    from stimmung.pretrain.cli.bench_replay import command

    for number in range(3):
        soundfile.write(tmp_path / f"{number}.wav", syllables(2.3, seed=number), RATE, subtype="PCM_16")
    done = CliRunner().invoke(command, [str(tmp_path), "--workers", "1"], catch_exceptions=False)
    first, *timed = done.output.splitlines()
    assert first == "3 files, 0.00 h of audio, 1 processes each"
    assert [line.rpartition("; ")[2] for line in timed[:3]] == ["9 decisions", "9 decisions", "3 decisions"]
    assert all(line.startswith("stimmung replay is ") for line in timed[3:])

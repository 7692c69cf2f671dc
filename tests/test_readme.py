"""The README's commands, plugin and pipeline, executed as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from support import ACME, RATE, syllables

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
# A reader has no plugins but those that ship.
NOTHING_ELSE = os.pathsep.join(p for p in os.environ["PYTHONPATH"].split(os.pathsep) if p != ACME)
EMOTIONS = ("anger", "happiness", "neutral", "sadness")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


def run(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = shlex.split(command)
    assert program == "stimmung"
    entry = [sys.executable, "-c", "from stimmung.engine.cli import main; main()"]
    environment = {**os.environ, "PYTHONPATH": NOTHING_ELSE, **environment}
    done = subprocess.run([*entry, *arguments], cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's reader has: the checkout, recordings of their own, and a small corpus."""
    folder = tmp_path_factory.mktemp("reader")
    for part in ("configs", "samples"):
        (folder / part).symlink_to(ROOT / part)
    (folder / "interviews").mkdir()
    soundfile.write(folder / "interviews" / "one.wav", syllables(6.0), RATE)
    rows = ["file,speaker,emotion"]
    for speaker in range(3):
        for seed, emotion in enumerate(EMOTIONS):
            path = f"{speaker}{emotion}.wav"
            soundfile.write(folder / path, syllables(1.4, seed=10 * seed + speaker), RATE)
            rows.append(f"{path},{speaker},{emotion}")
    (folder / "corpus.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works(command: str, folder: Path) -> None:
    assert run(command, folder).stdout


def test_the_first_command_prints_what_the_readme_shows() -> None:
    (shown,) = [block for block in blocks("console") if "──" in block]
    command, *expected = shown.splitlines()
    printed = run(command[2:], ROOT).stdout.splitlines()
    assert len(printed) == len(expected)
    number = re.compile(r"\d\.\d\d  [█░]+")
    for got, said in zip(printed, expected, strict=True):
        assert number.sub("", got) == number.sub("", said)
        for one, other in zip(number.findall(got), number.findall(said), strict=True):
            assert float(one[:4]) == pytest.approx(float(other[:4]), abs=0.011)


def test_the_plugin_of_15_lines_runs(tmp_path: Path) -> None:
    (plugin,), (pipeline,) = blocks("python"), blocks("toml")
    assert len([line for line in plugin.splitlines() if line]) <= 15
    (tmp_path / "acme_level.py").write_text(plugin)
    info = tmp_path / "acme_level-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-level\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[stimmung]\nlevel = acme_level\n")
    (tmp_path / "level.toml").write_text(pipeline)
    (command,) = re.findall(r"`(stimmung run --source sample --pipeline level\.toml)`", README)
    path = os.pathsep.join([str(tmp_path), NOTHING_ELSE])
    for bus in ("", " --bus ipc"):
        printed = run(command + bus, tmp_path, PYTHONPATH=path).stdout
        assert len(re.findall(r"loudness +(quiet|loud)", printed)) == 28


def test_the_readme_names_the_two_commands_and_every_part_of_the_tree() -> None:
    for name in (
        "make run",
        "make test",
        "engine/",
        "plugins/",
        "pretrain/",
        "configs/",
        "models/",
        "tests/",
    ):
        assert name in README

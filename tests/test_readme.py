"""The README's commands, plugin and pipeline, executed as they stand."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from reader import NOTHING_ELSE, ROOT, blocks, commands, run, settle

README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's reader has."""
    folder = tmp_path_factory.mktemp("reader")
    settle(folder)
    return folder


@pytest.mark.parametrize("command", commands(README))
def test_every_command_works(command: str, folder: Path) -> None:
    assert run(command, folder).stdout


def test_the_first_command_prints_what_the_readme_shows() -> None:
    (shown,) = [block for block in blocks(README, "console") if "──" in block]
    command, *expected = shown.splitlines()
    printed = run(command[2:], ROOT).stdout.splitlines()
    assert len(printed) == len(expected)
    number = re.compile(r"\d\.\d\d  [█░]+")
    for got, said in zip(printed, expected, strict=True):
        assert number.sub("", got) == number.sub("", said)
        for one, other in zip(number.findall(got), number.findall(said), strict=True):
            assert float(one[:4]) == pytest.approx(float(other[:4]), abs=0.011)


def test_the_plugin_of_15_lines_runs(tmp_path: Path) -> None:
    (plugin,), (pipeline,) = blocks(README, "python"), blocks(README, "toml")
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


def test_every_page_it_links_to_is_there() -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(linked) > 8
    assert [path for path in linked if not (ROOT / path).is_file()] == []

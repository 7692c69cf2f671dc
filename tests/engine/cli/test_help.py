"""Every command explains itself."""

from __future__ import annotations

import click
import pytest
from stimmung.engine.cli import group


def commands(parent: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    context = click.Context(parent)
    found = []
    for name in parent.list_commands(context):
        command = parent.get_command(context, name)
        assert command is not None
        found.append((*path, name))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


@pytest.mark.parametrize("path", commands(group), ids=" ".join)
def test_every_help_shows_an_example(path: tuple[str, ...]) -> None:
    command: click.Command = group
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    assert f"stimmung {' '.join(path)}" in command.get_help(click.Context(command))
    assert command.get_short_help_str()


def test_the_help_lists_every_command() -> None:
    text = group.get_help(click.Context(group))
    for name in ("run", "replay", "plugins", "models", "bench", "train", "evaluate"):
        assert f"  {name} " in text

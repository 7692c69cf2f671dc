"""``stimmung plugins``: what is installed, where it comes from, whether it loads."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table

from ..errors import StimmungError
from ..registry import installed, origin, provides

PLAIN_WIDTH = 400


@click.command(short_help="List the installed plugins.")
def command() -> None:
    """List the installed plugins: name, role, distribution, and what is wrong with those that do not load.

    Example: stimmung plugins
    """
    table = Table("plugin", "role", "from", "what it is", box=None, pad_edge=False)
    broken = False
    for name, entry in installed().items():
        try:
            classes = provides(entry)
        except StimmungError as error:
            broken = True
            table.add_row(name, "broken", origin(entry), str(error))
            continue
        for role, kind in classes.items():
            table.add_row(name, role, origin(entry), _first_line(kind))
    # Elsewhere than on a terminal each plugin keeps to one line, so that lines can be searched.
    Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH).print(table)
    sys.exit(1 if broken else 0)


def _first_line(kind: type[object]) -> str:
    """What a plugin says of itself: the first line of its class's docstring, or else of its module's."""
    said = kind.__doc__ or sys.modules[kind.__module__].__doc__ or "(says nothing of itself)"
    return said.strip().splitlines()[0]

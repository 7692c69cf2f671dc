"""``stimmung doctor``: what is installed, which models and devices there are, what is missing."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.table import Table


@click.command(short_help="Say what is installed and what is missing, and how to get it.")
def command() -> None:
    """Say what is installed, which models and microphones there are, and how to get what is missing.

    Nothing is downloaded or changed. Exits with 1 if something that is installed is broken.

    Example: stimmung doctor
    """
    from ..devtools.doctor import examine

    table = Table("part", "name", "health", "what it is", "remedy", box=None, pad_edge=False)
    broken = False
    for found in examine():
        broken = broken or found.verdict == "broken"
        table.add_row(found.part, found.name, found.verdict, found.detail, found.remedy)
    console = Console()
    console.print(table, soft_wrap=not console.is_terminal, crop=console.is_terminal)
    sys.exit(1 if broken else 0)

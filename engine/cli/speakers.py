"""``stimmung speakers``: who is remembered between sessions, and how that is ended."""

from __future__ import annotations

from datetime import datetime

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..errors import ConfigError
from ..storage.speakers import About, Speakers


@click.command(short_help="List the speakers who are remembered, or forget some.")
@click.option(
    "--forget",
    "forgotten",
    multiple=True,
    metavar="NAME",
    help="Delete all that is remembered of a speaker; may be given several times.",
)
@click.option("--forget-all", is_flag=True, help="Delete all that is remembered of anybody.")
def command(forgotten: tuple[str, ...], forget_all: bool) -> None:
    """List the speakers whom classifiers with remember = true have learnt of: by which model, when that was
    written, and from how many seconds of speech. With --forget or --forget-all, delete it instead.

    \b
    Examples:
      stimmung speakers
      stimmung speakers --forget anna
    """
    speakers = Speakers()
    if forgotten and forget_all:
        raise ConfigError("--forget and --forget-all are both given", remedy="choose one")
    if forgotten or forget_all:
        for name in forgotten or speakers.names():
            speakers.forget(name)
            click.echo(f"forgot {name}")
        return
    table = Table("speaker", "model", "when", "speech", box=None, pad_edge=False)
    for name, about in speakers.known():
        table.add_row(*map(escape, (name, *_row(about))))
    if not table.row_count:
        click.echo("nobody is remembered")
        return
    Console(soft_wrap=True).print(table)


def _row(about: About | None) -> tuple[str, str, str]:
    if about is None:
        return "damaged", "", ""
    return about.model, f"{datetime.fromtimestamp(about.written):%Y-%m-%d %H:%M}", f"{about.speech_s:.0f} s"

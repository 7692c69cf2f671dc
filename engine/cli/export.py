"""``stimmung export``: a run in the formats of other tools."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import InputError
from ..export import FORMATS
from ..export.intervals import Kind, Run


@click.command(short_help="Write a run for ELAN, Praat, RTTM, WebVTT, CSV or audformat.")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option("--format", "formats", multiple=True, required=True, type=click.Choice(list(FORMATS)))
@click.option("--table", type=click.Choice(["states", "predictions"]), default="states", show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write into.  [default: RUN/export]",
)
def command(run: Path, formats: tuple[str, ...], table: Kind, out: Path | None) -> None:
    """Write the states or predictions of a run in the formats of other tools, each in a folder of its own.

    \b
    Examples:
      stimmung export results --format eaf --format textgrid
      stimmung export results --format audformat --table predictions --out tables
    """
    read = Run(run, table)
    if next(iter(read), None) is None:
        raise InputError(f"run '{run}' has no {table}", remedy="see its errors.jsonl")
    for name in formats:
        folder = (out or run / "export") / name
        folder.mkdir(parents=True, exist_ok=True)
        written = FORMATS[name](read, folder)
        click.echo(f"{written} file{'s' if written != 1 else ''} in {folder}")

"""``stimmung new-plugin``: a package to begin with."""

from __future__ import annotations

from pathlib import Path

import click

from ..devtools.scaffold import KINDS, write_plugin


@click.command("new-plugin", short_help="Write the package of a new plugin.")
@click.argument("name")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What the plugin is.")
@click.option(
    "--in",
    "parent",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="The folder in which to make it; the present one by default.",
)
def command(name: str, kind: str, parent: Path) -> None:
    """Write an installable package with a plugin that runs: code, tests, README, entry point.

    Example: stimmung new-plugin acme-pitch --kind extractor
    """
    for path in write_plugin(name, kind, parent):
        click.echo(path)
    click.echo(f"next: cd {parent / name} && pip install -e '.[test]' && pytest")

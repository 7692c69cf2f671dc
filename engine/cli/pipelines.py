"""``stimmung pipelines``: the pipelines that ship, whose models they run, and one's description."""

from __future__ import annotations

import click

from ..config.schema import load_description, shipped_pipelines
from ..errors import ConfigError, nearest
from ..models.cards import find_model, load_card


@click.command(short_help="List the pipelines that ship, or show one.")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the pipelines that ship, with the models of each and their licences, or show one's description.

    Run another by its name, or save its description and change it.

    \b
    Examples:
      stimmung pipelines
      stimmung run --source sample --pipeline hsf_svm
      stimmung pipelines default > mine.toml
    """
    shipped = shipped_pipelines()
    if name is None:
        rows = [("--pipeline", "target", "model", "licence")]
        rows += [(pipeline, *row) for pipeline in shipped for row in _models(pipeline)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = zip(row, widths, strict=True)
            click.echo("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
        return
    if name not in shipped:
        raise ConfigError(f"no pipeline is named '{name}'", remedy=nearest(name, shipped))
    click.echo(shipped[name].read_text(encoding="utf-8"), nl=False)


def _models(pipeline: str) -> list[tuple[str, str, str]]:
    """Target, name and licence of each model of a shipped pipeline."""
    tables = load_description(pipeline).classifiers
    cards = [load_card(find_model(str(table.options["model"]))) for table in tables]
    return [(card.target, card.name, card.licence) for card in cards]

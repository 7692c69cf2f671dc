"""``stimmung models``: the models that ship, and their cards."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from ..models.cards import CARD, find_model, load_card, shipped_models, verify


@click.command(short_help="List the models, or show one's card.")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the models that ship, or check one (by name or folder) against its hashes and show its card.

    \b
    Examples:
      stimmung models
      stimmung models emotion_hsf_svm
    """
    if name is not None:
        folder = find_model(name)
        verify(folder, load_card(folder))
        click.echo((folder / CARD).read_text(encoding="utf-8"))
        return
    table = Table("model", "target", "labels", "inputs", "trained on", "licence", box=None, pad_edge=False)
    for shipped, folder in shipped_models().items():
        card = load_card(folder)
        inputs = ", ".join(f"{entry.name} ({entry.dim})" for entry in card.inputs)
        table.add_row(
            shipped, card.target, ", ".join(card.labels), inputs, card.trained_on.corpus, card.licence
        )
    Console(soft_wrap=True).print(table)

"""``stimmung train``: a recipe and a corpus become a model with its card."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Train a model from a recipe and a corpus.")
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--corpus", required=True, type=click.Path(path_type=Path), help="The corpus.csv to train on.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the model to write.")
def command(recipe: Path, corpus: Path, out: Path) -> None:
    """Train a model from a recipe and a corpus; write it and its card to --out.

    Example: stimmung train configs/emotion_hsf_svm.toml --corpus corpus.csv --out my_model
    """
    # Both take a second to import, which stimmung --help need not.
    from stimmung.engine.cli.progress import progress

    from ..train import train

    with progress("train") as step:
        folder = train(recipe, corpus, out, step)
    click.echo(f"trained {folder}")

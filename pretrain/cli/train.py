"""``stimmung train``: a recipe and a corpus become a model with its card."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Train a model from a recipe and a corpus.")
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--corpus",
    "corpora",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="The corpus.csv to train on; several are joined as the recipe's [[corpora]] say.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the model to write.")
@click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder of features, kept from one recipe to the next."
)
def command(recipe: Path, corpora: tuple[Path, ...], out: Path, cache: Path | None) -> None:
    """Train a model from a recipe and a corpus or several; write it and its card to --out.

    \b
    Examples:
      stimmung train configs/emotion_hsf_svm.toml --corpus corpus.csv --out my_model
      stimmung train my_recipe.toml --corpus emodb4 --corpus ravdess --cache features --out my_model
    """
    # Both take a second to import, which stimmung --help need not.
    from stimmung.engine.cli.progress import progress

    from ..train import train

    with progress("train") as step:
        folder = train(recipe, corpora, out, step, cache=cache)
    click.echo(f"trained {folder}")

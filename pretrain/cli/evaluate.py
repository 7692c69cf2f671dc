"""``stimmung evaluate``: a recipe under a speaker-disjoint protocol becomes a report."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Evaluate a recipe under a speaker-disjoint protocol.")
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--corpus", required=True, type=click.Path(path_type=Path), help="The corpus.csv.")
@click.option("--protocol", required=True, metavar="loso|folds:FILE", help="How speakers are set apart.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for report.json.")
def command(recipe: Path, corpus: Path, protocol: str, out: Path) -> None:
    """Evaluate a recipe under a speaker-disjoint protocol; write --out/report.json.

    Example: stimmung evaluate configs/emotion_hsf_svm.toml --corpus corpus.csv --protocol loso --out report
    """
    # Both take a second to import, which stimmung --help need not.
    from stimmung.engine.cli.progress import progress

    from ..evaluate import evaluate

    with progress("evaluate") as step:
        report = evaluate(recipe, corpus, protocol, out, step)
    low, high = report["uar_ci95"]
    click.echo(f"UAR {report['uar']:.3f} (95 % interval {low:.3f} to {high:.3f}), WA {report['wa']:.3f}")

"""``stimmung evaluate``: a recipe under a speaker-disjoint protocol becomes a report."""

from __future__ import annotations

from pathlib import Path

import click

SWEEP = "sweep"


@click.command(short_help="Evaluate a recipe under a speaker-disjoint protocol.")
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--corpus", required=True, type=click.Path(path_type=Path), help="The corpus.csv, or EmoBank's folder."
)
@click.option(
    "--protocol",
    required=True,
    metavar="loso|groups:N|folds:FILE|sweep",
    help="How speakers are set apart; sweep tries every cost of a linear machine.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the figures.")
def command(recipe: Path, corpus: Path, protocol: str, out: Path) -> None:
    """Evaluate a recipe under a speaker-disjoint protocol; write --out/report.json.

    The protocol sweep trains linear machines on the recipe's features, C from 1e-5 to 1, selects by
    speakers who are neither trained nor tested on, and votes over windows or sentences; it writes
    sweep.json and confusion.png.

    \b
    Examples:
      stimmung evaluate configs/emotion_hsf_svm.toml --corpus corpus.csv --protocol loso --out report
      stimmung evaluate configs/arousal_sample_cnn_svm.toml --corpus emodb4 --protocol sweep --out report
    """
    # Both take a second to import, which stimmung --help need not.
    from stimmung.engine.cli.progress import progress

    from ..evaluate import evaluate

    if protocol == SWEEP:
        from ..sweeping import run

        with progress("evaluate") as step:
            lines = run(recipe, corpus, out, step)
        click.echo("\n".join(lines))
        return
    with progress("evaluate") as step:
        report = evaluate(recipe, corpus, protocol, out, step)
    low, high = report["uar_ci95"]
    click.echo(f"UAR {report['uar']:.3f} (95 % interval {low:.3f} to {high:.3f}), WA {report['wa']:.3f}")

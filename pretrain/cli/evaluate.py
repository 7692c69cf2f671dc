"""``stimmung evaluate``: a recipe under a speaker-disjoint protocol becomes a report."""

from __future__ import annotations

from pathlib import Path

import click

SWEEP = "sweep"


@click.command(short_help="Evaluate a recipe under a speaker-disjoint protocol.")
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--corpus",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="A corpus.csv, a corpus as published, or EmoBank's folder; several for loco.",
)
@click.option(
    "--protocol",
    metavar="loso|loco|groups:N|partitions|folds:FILE|sweep",
    help="How speakers are set apart; loco leaves out each corpus; sweep tries costs of a linear machine.",
)
@click.option(
    "--test-corpus",
    type=click.Path(path_type=Path),
    help="Train on all of --corpus, test on all of this one.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the figures.")
@click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder of features, kept from one recipe to the next."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that train folds."
)
def command(
    recipe: Path,
    corpus: tuple[Path, ...],
    protocol: str | None,
    test_corpus: Path | None,
    out: Path,
    cache: Path | None,
    jobs: int,
) -> None:
    """Evaluate a recipe under a speaker-disjoint protocol; write report.json, .html and .tex to --out.

    Speakers shared between training and test are refused, and so is a development set used as a test set.

    The protocol sweep trains linear machines on the recipe's features, C from 1e-5 to 1, selects by
    speakers who are neither trained nor tested on, and votes over windows or sentences; it writes
    sweep.json and confusion.png.

    \b
    Examples:
      stimmung evaluate configs/emotion_hsf_svm.toml --corpus corpus.csv --protocol loso --out report
      stimmung evaluate configs/shared_hsf_svm.toml --corpus emodb4 --test-corpus ravdess --out report
      stimmung evaluate configs/shared_hsf_svm.toml --corpus emodb4 --corpus emovo --protocol loco --out out
      stimmung evaluate configs/arousal_sample_cnn_svm.toml --corpus emodb4 --protocol sweep --out report
    """
    # Both take a second to import, which stimmung --help need not.
    from stimmung.engine.cli.progress import progress

    from ..evaluate import evaluate
    from ..folds import LOCO

    if (protocol is None) == (test_corpus is None):
        raise click.UsageError("give either --protocol or --test-corpus")
    if len(corpus) > 1 and protocol != LOCO:
        raise click.UsageError(f"several --corpus are for --protocol {LOCO}")
    if protocol == SWEEP:
        from ..sweeping import run

        with progress("evaluate") as step:
            lines = run(recipe, corpus[0], out, step)
        click.echo("\n".join(lines))
        return
    with progress("evaluate") as step:
        report = evaluate(
            recipe, corpus, protocol or "", out, step, test_corpus=test_corpus, cache=cache, jobs=jobs
        )
    click.echo(", ".join(_figure(report, name) for name in ("uar", "wa", "ccc", "rmse") if name in report))
    for name, figures in report.get("per_corpus", {}).items():
        click.echo(f"{name}: {_figure(figures, 'uar')}")


def _figure(report: dict[str, object], name: str) -> str:
    interval = report[f"{name}_ci95"]
    if not isinstance(interval, list):
        return f"{name.upper()} {report[name]:.3f}"
    low, high = interval
    return f"{name.upper()} {report[name]:.3f} (95 % interval {low:.3f} to {high:.3f})"

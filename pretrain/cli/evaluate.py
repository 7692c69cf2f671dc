"""``stimmung evaluate``: a recipe under a speaker-disjoint protocol becomes a report."""

from __future__ import annotations

from pathlib import Path

import click

SWEEP = "sweep"


@click.command(short_help="Evaluate a recipe under a speaker-disjoint protocol.")
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--corpus",
    "corpora",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="A corpus.csv, a corpus as published, or EmoBank's folder; several are joined.",
)
@click.option(
    "--protocol",
    metavar="loso|groups:N|partitions|folds:FILE|sweep",
    help="How speakers are set apart; sweep tries every cost of a linear machine.",
)
@click.option(
    "--test-corpus",
    type=click.Path(path_type=Path),
    help="Train on all of --corpus, test on all of this one.",
)
@click.option(
    "--condition",
    default="",
    metavar="NAME",
    help="What is tested is heard so: level, dc, noise, babble, telephone, opus or room.",
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
    corpora: tuple[Path, ...],
    protocol: str | None,
    test_corpus: Path | None,
    condition: str,
    out: Path,
    cache: Path | None,
    jobs: int,
) -> None:
    """Evaluate a recipe under a speaker-disjoint protocol; write report.json, .html and .tex to --out.

    Several corpora are joined as the recipe's [[corpora]] say. Conditions, seeded by the recording:
    level (40 dB quieter), dc (an offset of 0.1), noise (white, 20 dB below the speech), babble (of six other
    recordings, the same), telephone (its band and μ-law), opus (12 kbit/s), room (reverberation of 0.5 s).

    Speakers shared between training and test are refused, and so is a development set used as a test set.

    The protocol sweep trains linear machines on the recipe's features, C from 1e-5 to 1, selects by
    speakers who are neither trained nor tested on, and votes over windows or sentences; it writes
    sweep.json and confusion.png.

    \b
    Examples:
      stimmung evaluate configs/emotion_hsf_svm.toml --corpus corpus.csv --protocol loso --out report
      stimmung evaluate configs/shared_hsf_svm.toml --corpus emodb4 --test-corpus ravdess --out report
      stimmung evaluate configs/crnn.toml --corpus emodb4 --protocol loso --condition room --out room
      stimmung evaluate configs/arousal_sample_cnn_svm.toml --corpus emodb4 --protocol sweep --out report
    """
    # Both take a second to import, which stimmung --help need not.
    from stimmung.engine.cli.progress import progress

    from ..evaluation.cross_validation import evaluate

    if (protocol is None) == (test_corpus is None):
        raise click.UsageError("give either --protocol or --test-corpus")
    if protocol == SWEEP:
        if len(corpora) > 1 or condition:
            raise click.UsageError("a sweep takes one --corpus, and no --condition")
        from ..experiments.embedded_emotions.run import run

        with progress("evaluate") as step:
            lines = run(recipe, corpora[0], out, step)
        click.echo("\n".join(lines))
        return
    with progress("evaluate") as step:
        report = evaluate(
            recipe,
            corpora,
            protocol or "",
            out,
            step,
            test_corpus=test_corpus,
            cache=cache,
            condition=condition,
            jobs=jobs,
        )
    click.echo(", ".join(_figure(report, name) for name in ("uar", "wa", "ccc", "rmse") if name in report))


def _figure(report: dict[str, object], name: str) -> str:
    interval = report[f"{name}_ci95"]
    if not isinstance(interval, list):
        return f"{name.upper()} {report[name]:.3f}"
    low, high = interval
    return f"{name.upper()} {report[name]:.3f} (95 % interval {low:.3f} to {high:.3f})"

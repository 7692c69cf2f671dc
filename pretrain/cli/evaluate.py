"""``stimmung evaluate``: a recipe under a speaker-disjoint protocol becomes a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

SWEEP = "sweep"


@click.command(short_help="Evaluate a recipe under a speaker-disjoint protocol.")
@click.argument("recipe", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--model",
    metavar="NAME|FILE",
    help="Evaluate a pipeline as it runs, shipped or a TOML file, instead of training by a recipe.",
)
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
    metavar="loso|loco|groups:N|partitions|folds:FILE|sweep",
    help="How speakers are set apart; loco leaves out each corpus; sweep tries costs of a linear machine.",
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
@click.option(
    "--alias",
    "aliases",
    multiple=True,
    metavar="THEIRS=OURS",
    help="A label of the corpus and what the model calls it: angry=anger. With --model.",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="What a column is called in corpus.csv: file=FileName. With --model; a recipe has columns.",
)
@click.option("--target", help="Which target of the pipeline, if it has several. With --model.")
@click.option("--live", is_flag=True, help="Test a recipe's models on streams with pauses too.")
@click.option(
    "--pipeline",
    default="default",
    show_default=True,
    metavar="NAME|FILE",
    help="With --live: whose voice activity, segments and threshold of unsure.",
)
@click.option(
    "--neutral",
    multiple=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="With --live: streams too in which this share of recordings is neutral.",
)
@click.option(
    "--pause",
    "pause_s",
    type=click.FloatRange(min=0),
    default=5.0,
    show_default=True,
    help="Seconds of room noise between the recordings of a stream.",
)
@click.option(
    "--read-speech",
    type=click.Path(path_type=Path, exists=True),
    help="A corpus.csv of people reading aloud, who are neutral. With --model.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes that train folds and play streams.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the figures.")
@click.option(
    "--cache", type=click.Path(path_type=Path), help="Folder of features, kept from one recipe to the next."
)
def command(
    recipe: Path | None,
    model: str | None,
    corpora: tuple[Path, ...],
    protocol: str | None,
    test_corpus: Path | None,
    condition: str,
    aliases: tuple[str, ...],
    columns: tuple[str, ...],
    target: str | None,
    live: bool,
    pipeline: str,
    neutral: tuple[float, ...],
    pause_s: float,
    read_speech: Path | None,
    jobs: int,
    out: Path,
    cache: Path | None,
) -> None:
    """Evaluate a recipe under a speaker-disjoint protocol; write report.json, .html and .tex to --out.

    With --model, evaluate a pipeline as it ships on recordings of your own: by themselves, in streams with
    pauses, and mostly neutral; write report.json, report.html, predictions.csv and pictures to --out.

    Several corpora are joined as the recipe's [[corpora]] say. Conditions, seeded by the recording:
    level (40 dB quieter), dc (an offset of 0.1), noise (white, 20 dB below the speech), babble (of six other
    recordings, the same), telephone (its band and μ-law), opus (12 kbit/s), room (reverberation of 0.5 s).

    Speakers shared between training and test are refused, and so is a development set used as a test set.

    The protocol sweep trains linear machines on the recipe's features, C from 1e-5 to 1, selects by
    speakers who are neither trained nor tested on, and votes over windows or sentences; it writes
    sweep.json and confusion.png.

    \b
    Examples:
      stimmung evaluate --model default --corpus corpus.csv --out report
      stimmung evaluate --model default --corpus corpus.csv --alias angry=anger --out report
      stimmung evaluate configs/emotion_hsf_svm.toml --corpus corpus.csv --protocol loso --out report
      stimmung evaluate configs/emotion_hsf_svm.toml --corpus emodb4 --protocol loso --live --out report
      stimmung evaluate configs/shared_hsf_svm.toml --corpus emodb4 --test-corpus ravdess --out report
      stimmung evaluate configs/shared_hsf_svm.toml --corpus emodb4 --corpus emovo --protocol loco --out out
      stimmung evaluate configs/crnn.toml --corpus emodb4 --protocol loso --condition room --out room
      stimmung evaluate configs/arousal_sample_cnn_svm.toml --corpus emodb4 --protocol sweep --out report
    """
    # Both take a second to import, which stimmung --help need not.
    from stimmung.engine.cli.progress import progress

    from ..evaluation.cross_validation import evaluate
    from ..evaluation.live_folds import LiveOptions
    from ..reports.live_html import summary

    if (recipe is None) == (model is None):
        raise click.UsageError("give either a recipe or --model")
    if model is not None:
        if protocol is not None or test_corpus is not None:
            raise click.UsageError(
                "--protocol and --test-corpus need a recipe: with --model nothing is trained"
            )
        _shipped(
            model,
            corpora,
            out,
            target=target,
            aliases=_pairs(aliases, "--alias", "THEIRS=OURS"),
            columns=_pairs(columns, "--column", "OURS=THEIRS"),
            pause_s=pause_s,
            read_speech=read_speech,
            jobs=jobs,
        )
        return
    assert recipe is not None  # either is
    if aliases or columns:
        raise click.UsageError("--alias and --column need --model: a recipe has the keys aliases and columns")
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
            live=LiveOptions(pause_s, neutral, pipeline, jobs) if live else None,
            jobs=jobs,
        )
    click.echo(", ".join(_figure(report, name) for name in ("uar", "wa", "ccc", "rmse") if name in report))
    for name, own in report.get("per_corpus", {}).items():
        click.echo(f"{name}: {_figure(own, 'uar')}")
    if live:
        click.echo("\n".join(summary(report)))


def _shipped(model: str, corpora: tuple[Path, ...], out: Path, **options: Any) -> None:
    from stimmung.engine.cli.progress import progress

    from ..evaluation.shipped import evaluate_pipeline
    from ..reports.live_html import summary, unknown_labels

    with progress("evaluate") as step:
        report = evaluate_pipeline(model, corpora, out, step, **options)
    click.echo("\n".join([*summary(report), *unknown_labels(report), f"in {out}"]))


def _pairs(given: tuple[str, ...], option: str, form: str) -> dict[str, str]:
    found = {}
    for one in given:
        name, separator, meant = one.partition("=")
        if not (name and separator and meant):
            raise click.BadParameter(f"'{one}' is not {form}", param_hint=option)
        found[name] = meant
    return found


def _figure(report: dict[str, object], name: str) -> str:
    interval = report[f"{name}_ci95"]
    if not isinstance(interval, list):
        return f"{name.upper()} {report[name]:.3f}"
    low, high = interval
    return f"{name.upper()} {report[name]:.3f} (95 % interval {low:.3f} to {high:.3f})"

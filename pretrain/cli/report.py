"""``stimmung report``: the figures of a paper, trained and evaluated anew, or of pipelines on strangers."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(name="report", short_help="Write the tables of a paper, or of pipelines on strangers.")
def command() -> None:
    """Train and evaluate the systems of a paper; write its tables.

    Example: stimmung report paper1 --help
    """


@command.command()
@click.option(
    "--corpora",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder that holds emodb4, emobank, xed and, with --pretrain, librispeech_mini.",
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Where page, figures and models go."
)
@click.option(
    "--pretrain",
    type=click.Path(path_type=Path),
    help="Pretrain SampleCNN by this recipe first; half an hour.",
)
@click.option("--sample-cnn", help="A pretrained SampleCNN by name or folder.  [default: the shipped one]")
@click.option("--english", help="A BERT by name or folder.  [default: a small one inside a package]")
@click.option("--german", help="A BERT by name or folder.  [default: bert-base-german-cased]")
def paper1(
    corpora: Path,
    out: Path,
    pretrain: Path | None,
    sample_cnn: str | None,
    english: str | None,
    german: str | None,
) -> None:
    """Embedded Emotions: SampleCNN, SentenceBert, DeepSpectrum and LiFE by arousal and valence.

    \b
    Examples:
      stimmung report paper1 --corpora CORPORA --out docs
      stimmung report paper1 --corpora CORPORA --out docs --pretrain configs/pretrain_sample_cnn.toml
    """
    from stimmung.engine.cli.progress import progress

    from ..experiments.embedded_emotions import page
    from ..experiments.embedded_emotions.study import Options, run

    named = {"sample_cnn": sample_cnn, "english": english, "german": german}
    models = {name: model for name, model in named.items() if model}
    if pretrain is not None:
        models["sample_cnn"] = str(_pretrained(pretrain, corpora / "librispeech_mini", out / "sample_cnn"))
    with progress("report") as step:
        findings = run(Options(corpora, out, **models), step)
    click.echo(page.write(findings))


@command.command()
@click.option(
    "--corpora",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder that holds emodb4 and ravdess.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where page and pictures go.")
@click.option(
    "--runs", required=True, type=click.Path(path_type=Path), help="Where each fold's result is kept."
)
@click.option(
    "--cache", type=click.Path(path_type=Path), help="Where features are kept.  [default: ~/.cache/stimmung]"
)
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1), help="Of each network.")
@click.option(
    "--minutes", type=float, help="Begin no fold after so many, and report what is there.  [default: all]"
)
def paper2(
    corpora: Path, out: Path, runs: Path, cache: Path | None, seeds: int, minutes: float | None
) -> None:
    """Joint Representation: CRNN, multi-CRNN, HSF-CRNN, end-to-end and HSF + SVM, trained by the fold.

    Takes hours for everything. It can be interrupted at any time: the same command goes on, and with
    --minutes 0 it only reports what is there.

    \b
    Examples:
      stimmung report paper2 --corpora CORPORA --out docs --runs RUNS
      stimmung report paper2 --corpora CORPORA --out docs --runs RUNS --minutes 0
    """
    from stimmung.engine.cli.progress import progress

    from ..experiments.joint_representation import page
    from ..experiments.joint_representation.cost import streamed_ms
    from ..experiments.joint_representation.findings import gather
    from ..experiments.joint_representation.runs import BenchDataset, Options, Store, compute
    from ..experiments.joint_representation.systems import BENCHES, plan

    folder = cache or Path.home() / ".cache" / "stimmung"
    options = Options(corpora, out, runs, folder, seeds, float("inf") if minutes is None else minutes)
    materials = {bench.name: BenchDataset.of(bench, corpora) for bench in BENCHES}
    with progress("report") as step:
        compute(plan(seeds), materials, Store(runs), options, step)
    click.echo(page.write(gather(plan(seeds), materials, Store(runs)), streamed_ms(), out))


@command.command()
@click.option("--runs", required=True, type=click.Path(path_type=Path), help="The folder of the reports.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of the pages.",
)
@click.option(
    "--readme", type=click.Path(path_type=Path, exists=True), help="A page for the first table alone."
)
@click.option(
    "--models",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of the models, whose cards are told the same.",
)
def strangers(runs: Path, out: Path, readme: Path | None, models: Path | None) -> None:
    """Pipelines on corpora that they never heard: one table of reports that evaluate wrote.

    A report that is missing is an error that says the command by which it is made.

    \b
    Example:
      stimmung report strangers --runs RUNS --out docs --readme README.md --models models
    """
    from ..experiments.strangers import page

    found = page.gather(runs)
    for path in [*page.write(found, out, readme), *(page.on_cards(found, models) if models else [])]:
        click.echo(path)


def _pretrained(recipe: Path, corpus: Path, out: Path) -> Path:
    from ..encoders.speech import pretrain, read_pretrain_recipe

    return pretrain(read_pretrain_recipe(recipe), corpus, out, resume=True)

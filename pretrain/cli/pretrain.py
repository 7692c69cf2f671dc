"""``stimmung pretrain``: SampleCNN from raw speech, to a model folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Pretrain SampleCNN on the gender of speakers.")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--corpus",
    required=True,
    type=click.Path(path_type=Path),
    help="LibriSpeech's folder (with SPEAKERS.TXT), or a corpus.csv with a subset column.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The model folder to be filled.")
@click.option("--resume", is_flag=True, help="Go on with the training that was interrupted in --out.")
@click.option(
    "--accelerator",
    default="cpu",
    show_default=True,
    type=click.Choice(["cpu", "gpu", "auto"]),
    help="What to train on.",
)
@click.option(
    "--devices",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many of them share each batch's work.",
)
def command(recipe: Path, corpus: Path, out: Path, resume: bool, accelerator: str, devices: int) -> None:
    """Pretrain SampleCNN on the gender of speakers.

    Progress is shown here and, with tensorboard --logdir OUT, in a browser.

    \b
    Examples:
      stimmung pretrain configs/pretrain_sample_cnn.toml --corpus LibriSpeech --out sample_cnn
      stimmung pretrain configs/pretrain_sample_cnn.toml --corpus LibriSpeech --out sample_cnn --resume
    """
    from ..encoders.speech import Hardware, pretrain, read_pretrain_recipe

    hardware = Hardware(accelerator, devices)
    click.echo(pretrain(read_pretrain_recipe(recipe), corpus, out, resume=resume, hardware=hardware))

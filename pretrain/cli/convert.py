"""``stimmung convert``: published weights to a model folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.group(short_help="Convert published encoders to models.")
def command() -> None:
    """Convert published encoders to models."""


@command.command(short_help="Convert the first layers of Whisper's encoder, or check a model.")
@click.option(
    "--from",
    "sources",
    required=True,
    multiple=True,
    metavar="SOURCE",
    help="A name on the hub, a folder with safetensors, or a model.bin of CTranslate2; give it once for "
    "each part where it comes in parts, wheels included.",
)
@click.option("--layers", default=3, show_default=True, type=click.IntRange(min=1), help="Layers to keep.")
@click.option("--out", type=click.Path(path_type=Path), help="The model folder to be filled.")
@click.option("--check", metavar="MODEL", help="Instead: say whether a model's weights are those of SOURCE.")
def whisper(sources: tuple[str, ...], layers: int, out: Path | None, check: str | None) -> None:
    """Convert the first layers of Whisper's encoder to a model of the extractor whisper_encoder.

    \b
    Examples:
      stimmung convert whisper --from openai/whisper-base --layers 3 --out whisper_base_3
      stimmung convert whisper --from openai/whisper-base --check whisper_base_3
    """
    from ..encoders import whisper as encoder

    if (out is None) == (check is None):
        raise click.UsageError("give either --out or --check")
    click.echo(encoder.check(sources, check) if check else encoder.convert(sources, layers, Path(out or "")))

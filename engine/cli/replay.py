"""``stimmung replay``: files and folders through a pipeline into tables."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..playback import feeds
from ..replay import replay
from .options import described, pipeline_options
from .progress import progress


@click.command(short_help="Replay files or folders into tables of states.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@pipeline_options
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write into."
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that replay files."
)
@click.option(
    "--block-ms",
    type=click.FloatRange(min=1),
    help="Size of the source's chunks; the states never depend on it.",
)
def command(
    paths: tuple[str, ...],
    pipeline: str,
    bus: str | None,
    workers: int | None,
    out: Path,
    jobs: int,
    block_ms: float | None,
) -> None:
    """Replay audio files or folders; write states, predictions, errors and the run's account to --out.

    \b
    Examples:
      stimmung replay interviews/ --out results
      stimmung replay a.wav b.flac --out results --jobs 4 --bus zmq
    """
    description = described(pipeline, bus, workers)
    total = sum(1 for _ in feeds(paths, None))
    with progress("replay") as step:
        run = replay(
            paths,
            description,
            out,
            jobs=jobs,
            chunk_ms=block_ms,
            progress=lambda done, stream: step(done, total, stream),
        )
    click.echo(
        f"{run['files']} files, {run['audio_s']:.1f} s of audio: {run['states']} states, "
        f"{run['errors']} errors, in {out}"
    )
    if run["errors"]:
        click.echo(
            f"stimmung: {run['failed']} of {run['files']} files had errors; see {out / 'errors.jsonl'}",
            err=True,
        )
    sys.exit(1 if run["errors"] else 0)

"""``stimmung bench files``: a replay of very many short files."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from ...bench.files import Tenth, generate, tenths
from ...bench.throughput import speech
from ...config.schema import load_description


@click.command(short_help="Time and memory over very many short files.")
@click.option("--count", default=100_000, show_default=True, type=click.IntRange(10))
@click.option("--seconds", default=1.0, show_default=True, help="Length of each file.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1))
@click.option("--pipeline", default="default", show_default=True, metavar="NAME|FILE")
@click.option("--source", default="sample", show_default=True, metavar="SPEC", help="Speech to cut.")
def command(count: int, seconds: float, jobs: int, pipeline: str, source: str) -> None:
    """Replay very many short files; print the time of each tenth and what the processes hold.

    Example: stimmung bench files --count 100000
    """
    description = load_description(pipeline)
    rate = description.stream.rate
    shown: list[Tenth] = []

    def show(tenth: Tenth) -> None:
        shown.append(tenth)
        click.echo(
            f"{tenth.done:8}  {tenth.wall_s:7.1f}  {tenth.cpu_s:7.1f}  {tenth.host_mb:7.1f}  "
            f"{tenth.shards_mb:9.1f}"
        )

    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "files", count, seconds, speech(source, rate, 60.0), rate)
        click.echo("   files   wall s    CPU s  host MB  shards MB")
        run = tenths(
            Path(folder) / "files",
            description,
            Path(folder) / "out",
            jobs,
            show,
        )
    click.echo(f"{run['files']} files, {run['states']} states, {run['errors']} errors, {run['elapsed_s']} s")
    click.echo(f"the last tenth took {shown[-1].cpu_s / shown[0].cpu_s:.2f} × the CPU time of the first")

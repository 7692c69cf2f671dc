"""``stimmung replay``: files and folders through a pipeline into tables."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..batch.replay import Backend, ExecutionOptions, replay
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
@click.option("--features", is_flag=True, help="Write the features too: features.parquet.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of features kept from run to run: a second classifier costs no extraction.",
)
@click.option(
    "--backend",
    type=click.Choice(["local", "dask", "ray"]),
    default="local",
    show_default=True,
    help="Where the processes run: on this machine, or on a cluster.",
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Of the Dask scheduler or the Ray head.  [default: a cluster of --jobs processes started here]",
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
    features: bool,
    cache: Path | None,
    backend: Backend,
    cluster: str | None,
    block_ms: float | None,
) -> None:
    """Replay audio files or folders; write states, predictions, errors and the run's account to --out.

    Interrupted, the same command goes on where it stopped.

    \b
    Examples:
      stimmung replay interviews/ --out results
      stimmung replay a.wav b.flac --out results --jobs 4 --bus zmq
      stimmung replay corpus/ --out results --features --cache cache --jobs 8
      stimmung replay corpus/ --out results --backend dask --cluster tcp://head:8786 --jobs 64
    """
    if cluster is not None and backend == "local":
        raise click.UsageError("--cluster needs --backend dask or ray")
    with progress("replay") as step:
        run = replay(
            paths,
            described(pipeline, bus, workers),
            out,
            chunk_ms=block_ms,
            features=features,
            execution=ExecutionOptions(jobs, backend, cluster, cache),
            progress=step,
        )
    resumed = f", {run['resumed']} of them finished before" if run["resumed"] else ""
    click.echo(
        f"{run['files']} files{resumed}, {run['audio_s']:.1f} s of audio: {run['states']} states, "
        f"{run['errors']} errors, in {out}"
    )
    if run["errors"]:
        click.echo(
            f"stimmung: {run['failed']} of {run['files']} files had errors; see {out / 'errors.jsonl'}",
            err=True,
        )
    sys.exit(1 if run["errors"] else 0)

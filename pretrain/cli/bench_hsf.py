"""``stimmung bench hsf`` and ``hsf-parity``: how fast and how faithful ``hsf`` is, beside openSMILE."""

from __future__ import annotations

from pathlib import Path

import click
import threadpoolctl
from stimmung.engine.bench import throughput


@click.command(name="hsf", short_help="Speed of hsf beside openSMILE on one core.")
@click.option("--seconds", default=30.0, show_default=True, help="Speech per round.")
@click.option("--rounds", default=5, show_default=True)
def speed(seconds: float, rounds: int) -> None:
    """Speed of hsf beside openSMILE on one core: CPU time of openSMILE over that of hsf.

    Example: stimmung bench hsf --seconds 60 --rounds 5
    """
    from ..bench import hsf

    throughput.one_core()
    click.echo(f"import and first call in a fresh process: {hsf.first_call_s():.1f} s of CPU time")
    with threadpoolctl.threadpool_limits(1):
        for what, ratios in hsf.speed(seconds, rounds):
            click.echo(f"{what}, × as fast as openSMILE: {throughput.summary(ratios)}")


@click.command(name="hsf-parity", short_help="Agreement of hsf with openSMILE, feature by feature.")
@click.option(
    "--corpora",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder that holds emodb4 and ravdess.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of page, data, picture.")
@click.option("--clips", default=100, show_default=True, help="Recordings of each corpus.")
def parity(corpora: Path, out: Path, clips: int) -> None:
    """Agreement of hsf with openSMILE, feature by feature; write hsf_parity.md, .json and .png to --out.

    Example: stimmung bench hsf-parity --corpora CORPORA --out docs
    """
    from ..bench import hsf

    for row in hsf.parity(corpora, clips, out):
        click.echo(f"{row['family']}: {row['share']:.2%} of {row['features']} features with r ≥ 0.99")

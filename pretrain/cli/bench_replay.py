"""``stimmung bench replay``: the default pipeline and a plain script over the same files."""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
from stimmung.engine.batch.replay import ExecutionOptions, replay
from stimmung.engine.config.schema import load_description

OURS = "stimmung replay"


@click.command(short_help="Replay beside a plain script of openSMILE and scikit-learn.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Processes of each.")
@click.option("--rounds", default=1, show_default=True, type=click.IntRange(1))
@click.option("--limit", type=click.IntRange(1), help="Only so many files of each folder.")
def command(folders: tuple[Path, ...], workers: int, rounds: int, limit: int | None) -> None:
    """Replay files, and run a plain script of openSMILE and scikit-learn over them, in turns.

    The plain script decides every second over the last five seconds, as the pipeline does; and once more
    with one decision a recording. What each costs in CPU time is shown beside the time it took: that is what
    counts where other programs run on the machine. openSMILE's licence allows of non-commercial use only.

    Example: stimmung bench replay emodb4/audio ravdess/audio --workers 2
    """
    from ..bench import batch_baseline

    files = [file for folder in folders for file in batch_baseline.below(folder)[:limit]]
    seconds = batch_baseline.audio_s(files)
    click.echo(f"{len(files)} files, {seconds / 3600:.2f} h of audio, {workers} processes each")
    description = load_description("default")
    taken: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for name in (OURS, "plain script, rolling windows", "plain script, whole recordings"):
            before = _clocks()
            if name == OURS:
                with tempfile.TemporaryDirectory() as out:
                    made = replay(files, description, Path(out), execution=ExecutionOptions(workers))[
                        "predictions"
                    ]
            else:
                made = batch_baseline.run(files, workers, rolling="rolling" in name)
            wall_s, cpu_s = (after - start for start, after in zip(before, _clocks(), strict=True))
            taken.setdefault(name, []).append((wall_s, cpu_s))
            click.echo(
                f"{name}: {wall_s:.1f} s, {seconds / wall_s:.0f} × real time; {cpu_s:.1f} s of CPU, "
                f"{workers * seconds / cpu_s:.0f} × on {workers} cores of its own; {made} decisions"
            )
    ours = _medians(taken.pop(OURS))
    for name, own in taken.items():
        by_wall, by_cpu = (theirs / mine for mine, theirs in zip(ours, _medians(own), strict=True))
        click.echo(f"{OURS} is {by_wall:.2f} × as fast as the {name}, {by_cpu:.2f} × by CPU time")


def _clocks() -> tuple[float, float]:
    """(wall seconds, CPU seconds of this process and of those it has waited for)."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.monotonic(), sum(own.ru_utime + own.ru_stime for own in used)


def _medians(taken: Sequence[tuple[float, float]]) -> tuple[float, float]:
    walls, cpus = zip(*taken, strict=True)
    return statistics.median(walls), statistics.median(cpus)

"""``stimmung bench replay``: the default pipeline and a plain script over the same files."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import click
from stimmung.engine.config import load_description
from stimmung.engine.replay import Means, replay


@click.command(short_help="Replay beside a plain script of openSMILE and scikit-learn.")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Processes of each.")
@click.option("--rounds", default=1, show_default=True, type=click.IntRange(1))
@click.option("--limit", type=click.IntRange(1), help="Only so many files of each folder.")
def command(folders: tuple[Path, ...], workers: int, rounds: int, limit: int | None) -> None:
    """Replay files, and run a plain script of openSMILE and scikit-learn over them, in turns.

    The plain script decides every second over the last five seconds, as the pipeline does; and once more
    with one decision a recording. openSMILE's licence allows of non-commercial use only.

    Example: stimmung bench replay emodb4/audio ravdess/audio --workers 2
    """
    from .. import plain_script

    files = [file for folder in folders for file in plain_script.below(folder)[:limit]]
    seconds = plain_script.audio_s(files)
    click.echo(f"{len(files)} files, {seconds / 3600:.2f} h of audio, {workers} processes each")
    description = load_description("default")
    speeds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name in ("stimmung replay", "plain script, rolling windows", "plain script, whole recordings"):
            began_s = time.monotonic()
            if name == "stimmung replay":
                with tempfile.TemporaryDirectory() as out:
                    made = replay(files, description, Path(out), means=Means(workers))["predictions"]
            else:
                made = plain_script.run(files, workers, rolling="rolling" in name)
            took_s = time.monotonic() - began_s
            speeds.setdefault(name, []).append(seconds / took_s)
            click.echo(f"{name}: {took_s:.1f} s, {seconds / took_s:.0f} × real time, {made} decisions")
    ours = statistics.median(speeds["stimmung replay"])
    for name, measured in speeds.items():
        if name != "stimmung replay":
            click.echo(f"stimmung replay runs at {ours / statistics.median(measured):.2f} × the {name}")

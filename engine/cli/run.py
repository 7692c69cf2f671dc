"""``stimmung run``: a source through a pipeline into sinks, state by state."""

from __future__ import annotations

import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from ..config.schema import PluginTable
from ..runtime.host import Host, open_sink, open_source
from ..runtime.live import Live, ToSinks
from ..runtime.readers import PACED_CHUNK_MS
from ..storage.recorder import Recorder
from .options import (
    check_alone,
    described,
    named,
    pipeline_options,
    record_option,
    speaker_option,
    stopped_by_signals,
)


@click.command(short_help="Print the rolling emotion states of a source, live.")
@click.option(
    "--source",
    "sources",
    required=True,
    multiple=True,
    metavar="SPEC",
    help="An audio file or folder, '-' for raw PCM, or PLUGIN:SPEC; several run side by side.",
)
@pipeline_options
@click.option(
    "--speed",
    type=click.Choice(["1", "max"]),
    default="max",
    show_default=True,
    help="Pace of recorded audio: as it was spoken, or as fast as it goes.",
)
@click.option(
    "--sink",
    "sinks",
    multiple=True,
    default=["console"],
    show_default=True,
    metavar="NAME[:KEY=VALUE,…]",
    help="Where the states go; may be given several times.",
)
@record_option
@speaker_option
@click.option("--chunk-ms", type=click.FloatRange(min=1), help="Size of the source's chunks.")
def command(
    sources: tuple[str, ...],
    pipeline: str,
    bus: str | None,
    workers: int | None,
    speed: str,
    sinks: tuple[str, ...],
    record: Path | None,
    speaker: str,
    chunk_ms: float | None,
) -> None:
    """Print the rolling emotion states of a source, live.

    \b
    Examples:
      stimmung run --source sample
      stimmung run --source interview.wav --speed 1
      arecord -t raw -f S16_LE -r 16000 | stimmung run --source - --sink jsonl

    A plugin that runs in processes may be upgraded meanwhile: SIGUSR1 (kill -USR1 PID) swaps every
    worker for a fresh one without stopping the stream. SIGINT (Ctrl-C) and SIGTERM end every stream with
    the states of its tail; a second one ends at once.
    """
    check_alone(speaker, sources)
    description = described(pipeline, bus, workers)
    paced = speed == "1"
    chunk_ms = chunk_ms or (PACED_CHUNK_MS if paced else None)
    opened = [open_source(source, chunk_ms=chunk_ms) for source in sources]
    with Host(description) as host, ExitStack() as closing:
        signal.signal(signal.SIGUSR1, lambda *_: host.rolling_restart())
        outlets = [open_sink(_sink(spec)) for spec in sinks]
        try:
            recorder = None if record is None else closing.enter_context(Recorder(record))
            live = Live(host, [ToSinks(outlets)], paced=paced, recorder=recorder, speaker=speaker)
            with stopped_by_signals(live):
                failures = live.run(opened)
        finally:
            for outlet in outlets:
                outlet.close()
    sys.exit(1 if failures else 0)


def _sink(spec: str) -> PluginTable:
    name, options = named(spec, "--sink")
    return PluginTable(plugin=name, name=name, options=options)

"""``stimmung monitor``: sources through a pipeline onto a page in the browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from ..monitor import require
from ..plugin import Feed, Source
from ..runtime.host import Host, open_source
from ..runtime.live import Live
from ..runtime.readers import PACED_CHUNK_MS, is_live
from ..storage.recorder import Recorder
from .options import (
    check_alone,
    described,
    page_options,
    pipeline_options,
    record_option,
    speaker_option,
    stopped_by_signals,
)


@click.command(short_help="Show the rolling emotion states of live streams on a page.")
@click.option(
    "--source",
    "sources",
    multiple=True,
    default=["browser"],
    show_default=True,
    metavar="SPEC",
    help="'browser' for the page's microphone, an audio file or folder, or PLUGIN:SPEC; "
    "several run side by side.",
)
@pipeline_options
@page_options
@click.option(
    "--origin", "origins", multiple=True, metavar="URL", help="Another address of the page, behind a proxy."
)
@click.option(
    "--certificate", type=click.Path(exists=True, dir_okay=False), help="TLS certificate, to serve https."
)
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="The certificate's private key.")
@click.option(
    "--speed",
    type=click.Choice(["1", "max"]),
    default="1",
    show_default=True,
    help="Pace of recorded audio: as it was spoken, or as fast as it goes.",
)
@click.option("--repeat", is_flag=True, help="Play recorded audio again and again.")
@record_option
@speaker_option
@click.option("--once", is_flag=True, help="End when all audio has been heard, not with Ctrl-C.")
def command(
    sources: tuple[str, ...],
    pipeline: str,
    bus: str | None,
    workers: int | None,
    listen: str,
    token: str,
    origins: tuple[str, ...],
    certificate: str | None,
    key: str | None,
    speed: str,
    repeat: bool,
    record: Path | None,
    speaker: str,
    once: bool,
) -> None:
    """Show the rolling emotion states of live streams on a page, until Ctrl-C.

    \b
    Examples:
      stimmung monitor
      stimmung monitor --source sample --repeat
      stimmung monitor --listen 0.0.0.0:8765 --token TOKEN --certificate c.pem --key k.pem
    """
    check_alone(speaker, sources)
    require()
    from ..monitor.dashboard import Dashboard  # what it imports is optional
    from ..monitor.guard import address

    where = address(listen, token, origins)
    paced = speed == "1"
    opened = [_open(spec, PACED_CHUNK_MS if paced else None, repeat) for spec in sources]
    with Host(described(pipeline, bus, workers)) as host, ExitStack() as closing:
        recorder = None if record is None else closing.enter_context(Recorder(record))
        dashboard = closing.enter_context(
            Dashboard(host, opened, where, recorder=recorder, certificate=certificate, key=key)
        )
        live = Live(host, dashboard.observers, paced=paced, recorder=recorder, speaker=speaker)
        with stopped_by_signals(live):
            click.echo(f"{dashboard.url}{'?token=…' if token else ''} shows the streams; Ctrl-C ends them")
            live.run([*opened, *([] if once else [Forever()])])


def _open(spec: str, chunk_ms: float | None, repeat: bool) -> Source:
    source = open_source(spec, chunk_ms=chunk_ms)
    return Repeated(spec, chunk_ms) if repeat and not is_live(source) else source


class Repeated:
    """A source opened again whenever it has ended."""

    name = "repeated"

    def __init__(self, spec: str, chunk_ms: float | None) -> None:
        self._spec, self._chunk_ms = spec, chunk_ms

    def feeds(self) -> Iterator[Feed]:
        """Its feeds, over and over."""
        while True:
            yield from open_source(self._spec, chunk_ms=self._chunk_ms).feeds()


class Forever:
    """A source without a feed that ends when it is closed: what keeps a page up when all has been heard."""

    name = "forever"

    def __init__(self) -> None:
        self._closed = threading.Event()

    def feeds(self) -> Iterator[Feed]:
        """None, for as long as it is open."""
        self._closed.wait()
        yield from ()

    def close(self) -> None:
        """Ends the wait."""
        self._closed.set()

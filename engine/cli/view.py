"""``stimmung view``: the recordings of a finished run, on the dashboard's page."""

from __future__ import annotations

import queue
import signal
from pathlib import Path

import click

from ..monitor import require
from .options import page_options


@click.command(short_help="Show the recordings of a run with their states, on a page.")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="NAME",
    help="A recording as states.jsonl names it; may be given several times.  [default: the first 50]",
)
@page_options
def command(run: Path, streams: tuple[str, ...], listen: str, token: str) -> None:
    """Show the recordings of a finished run on the dashboard's page, until Ctrl-C.

    Recordings are looked for where the replay found them, so start it in the same folder.

    \b
    Examples:
      stimmung view results
      stimmung view results --stream interviews/one.wav
    """
    require()
    from ..monitor.guard import address  # what these import is optional
    from ..monitor.server import Server, application
    from ..monitor.view import View

    where = address(listen, token)
    view = View(run, streams)
    for stream in view.unheard:
        click.echo(f"stimmung: '{stream}' is not here: its states are shown without its audio", err=True)
    over: queue.SimpleQueue[None] = queue.SimpleQueue()  # unlike an event, a handler may touch it
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: over.put(None))
    with Server(application(view.hub, where), where) as server:
        more = f" (and not {view.more} others)" if view.more else ""
        shown = f"{len(view.shown)} recording{'s' if len(view.shown) != 1 else ''}{more}"
        click.echo(f"{server.url}{'?token=…' if token else ''} shows {shown}; Ctrl-C ends it")
        over.get()

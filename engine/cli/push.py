"""``stimmung push``: a source of this machine into a host elsewhere."""

from __future__ import annotations

import signal
import threading

import click


@click.command(short_help="Send what a source hears to a host on another machine.")
@click.option("--source", required=True, metavar="SPEC", help="A microphone, a file, as for run.")
@click.option("--to", "endpoint", required=True, metavar="ENDPOINT", help="Where source net listens there.")
@click.option("--name", default="", metavar="NAME", help="What to call the stream there.")
@click.option("--key", default="", metavar="FILE", help="This machine's secret key, required off loopback.")
def command(source: str, endpoint: str, name: str, key: str) -> None:
    """Send what a source hears to a host on another machine, which runs with --source net.

    A microphone goes on while the host is away, and what is heard meanwhile is a gap; a file waits.

    Example: stimmung push --source mic --to tcp://studio:5558 --key keys/kitchen.key_secret
    """
    from dataclasses import replace

    from ..api.push import Pusher
    from ..runtime.host import open_source
    from ..runtime.readers import is_live

    opened = open_source(source, chunk_ms=100.0)
    stopping = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stopping.set())
    pusher = Pusher(endpoint, key)
    try:
        for feed in opened.feeds():
            feed = replace(feed, stream=name or feed.stream)
            pusher.push(feed, stopping.is_set, wait=not is_live(opened))
            if stopping.is_set():
                return
    finally:
        pusher.close()

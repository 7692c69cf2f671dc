"""``stimmung worker``: serves a plugin for a host elsewhere."""

from __future__ import annotations

import signal
import threading

import click


@click.command(short_help="Serve a plugin for a host on another machine.")
@click.argument("name", metavar="NAME")
@click.option("--connect", required=True, metavar="ENDPOINT", help="Where the host's bus listens, tcp://….")
@click.option("--key", default="", metavar="FILE", help="This machine's secret key, required off loopback.")
def command(name: str, connect: str, key: str) -> None:
    """Serve the plugin that the host's pipeline calls NAME and marks as remote.

    The host says what to build, with which options; the plugin itself must be installed here. A worker may
    come and go: the host asks another one, or waits.

    Example: stimmung worker hsf --connect tcp://studio:5560 --key keys/kitchen.key_secret
    """
    from ..workers.remote import work

    stopping = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stopping.set())
    work(connect, name, key, stopping)

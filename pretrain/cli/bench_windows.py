"""``stimmung bench windows``: what descriptors once a stream save."""

from __future__ import annotations

import click

from ..bench import windows


@click.command(short_help="What overlapping windows cost beside calling the extractor on each.")
@click.option("--extractor", default="sample_cnn", show_default=True, metavar="NAME")
@click.option("--window-s", default=5.0, show_default=True)
@click.option("--hop-s", default=1.0, show_default=True)
@click.option("--minutes", default=2.0, show_default=True, help="Audio per round.")
@click.option("--rounds", default=5, show_default=True)
def command(extractor: str, window_s: float, hop_s: float, minutes: float, rounds: int) -> None:
    """CPU time of windows through the engine over that of calling the extractor on every window.

    Example: stimmung bench windows --extractor sample_cnn --window-s 5 --hop-s 1
    """
    shares = windows.shares(extractor, window_s, hop_s, minutes, rounds)
    click.echo(
        f"{window_s:g} s windows every {hop_s:g} s, share of the cost of calling '{extractor}' on each: "
        f"{windows.summary(shares)}"
    )

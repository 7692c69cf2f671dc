"""``stimmung bench``: the engine's promises, measured on this machine."""

from __future__ import annotations

from importlib import metadata

import click

from ...bench import throughput
from ...config.schema import load_description
from ...errors import ConfigError
from .live import back, live, soak, stall

BENCHES = "stimmung.benches"


class Benches(click.Group):
    """The engine's own benchmarks, and those other packages bring."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [
            *super().list_commands(context),
            *sorted(e.name for e in metadata.entry_points(group=BENCHES)),
        ]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        for entry in metadata.entry_points(group=BENCHES, name=name):
            found: click.Command = entry.load()
            return found
        return super().get_command(context, name)


@click.group(cls=Benches, short_help="Measure speed, buses and memory on this machine.")
def command() -> None:
    """Measure what the engine promises on this machine; each figure names what it is a ratio of.

    Example: stimmung bench speed
    """


@command.command(short_help="Speed on one core, the cost of half the hop, and of ZeroMQ.")
@click.option("--pipeline", default="default", show_default=True, metavar="NAME|FILE")
@click.option("--source", default="sample", show_default=True, metavar="SPEC", help="Speech to repeat.")
@click.option("--minutes", default=3.0, show_default=True, help="Audio per round.")
@click.option("--rounds", default=5, show_default=True)
def speed(pipeline: str, source: str, minutes: float, rounds: int) -> None:
    """Speed on one core, the cost of half the hop, and of ZeroMQ.

    Example: stimmung bench speed --minutes 3 --rounds 5
    """
    throughput.one_core()
    description = load_description(pipeline)
    samples = throughput.speech(source, description.stream.rate, 60 * minutes)
    click.echo(f"× real time, one core: {throughput.summary(throughput.speed(description, samples, rounds))}")
    try:
        halved = throughput.ratios(description, throughput.halved_hop(description), samples, rounds)
        click.echo(f"half the hop costs ×: {throughput.summary(halved)}")
    except ConfigError as error:  # turns keep step with the rows of some extractors
        click.echo(f"half the hop cannot be had: {error}")
    zmq = throughput.ratios(description, throughput.over_zmq(description), samples, rounds)
    click.echo(f"a process for each plugin over ZeroMQ costs ×: {throughput.summary(zmq)}")


@command.command(short_help="Resident memory over hours of one stream.")
@click.option("--pipeline", default="default", show_default=True, metavar="NAME|FILE")
@click.option("--source", default="sample", show_default=True, metavar="SPEC", help="Speech to repeat.")
@click.option("--hours", default=3.0, show_default=True, help="Audio in the one stream.")
def memory(pipeline: str, source: str, hours: float) -> None:
    """Resident memory over hours of one stream, and its growth an hour over the second half.

    Example: stimmung bench memory --hours 3
    """
    description = load_description(pipeline)
    samples = throughput.speech(source, description.stream.rate, 600)
    growth = throughput.memory(
        description, samples, hours, lambda heard, mb: click.echo(f"{heard:5.2f} h  {mb:7.1f} MB")
    )
    click.echo(f"growth over the second half: {growth:+.2f} MB an hour")


for one in (live, stall, back, soak):
    command.add_command(one)

"""``stimmung bench``: the engine's promises, measured on this machine."""

from __future__ import annotations

from importlib import metadata

import click

from .. import bench
from ..config import load_description

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
    bench.one_core()
    description = load_description(pipeline)
    samples = bench.speech(source, description.stream.rate, 60 * minutes)
    click.echo(f"× real time, one core: {bench.summary(bench.speed(description, samples, rounds))}")
    halved = bench.ratios(description, bench.halved_hop(description), samples, rounds)
    click.echo(f"half the hop costs ×: {bench.summary(halved)}")
    zmq = bench.ratios(description, bench.over_zmq(description), samples, rounds)
    click.echo(f"a process for each plugin over ZeroMQ costs ×: {bench.summary(zmq)}")


@command.command(short_help="Resident memory over hours of one stream.")
@click.option("--pipeline", default="default", show_default=True, metavar="NAME|FILE")
@click.option("--source", default="sample", show_default=True, metavar="SPEC", help="Speech to repeat.")
@click.option("--hours", default=3.0, show_default=True, help="Audio in the one stream.")
def memory(pipeline: str, source: str, hours: float) -> None:
    """Resident memory over hours of one stream, and its growth an hour over the second half.

    Example: stimmung bench memory --hours 3
    """
    description = load_description(pipeline)
    samples = bench.speech(source, description.stream.rate, 600)
    growth = bench.memory(
        description, samples, hours, lambda heard, mb: click.echo(f"{heard:5.2f} h  {mb:7.1f} MB")
    )
    click.echo(f"growth over the second half: {growth:+.2f} MB an hour")


@command.command(short_help="How late states come in live streams, and what a stall or a crash costs.")
@click.option("--pipeline", default="default", show_default=True, metavar="NAME|FILE")
@click.option("--source", default="sample", show_default=True, metavar="SPEC", help="Speech to repeat.")
@click.option("--streams", default="1,20", show_default=True, help="How many at once, in turn.")
@click.option("--seconds", default=60.0, show_default=True, help="Of speech, paced at real time, each time.")
@click.option("--rounds", default=4, show_default=True, help="With and without a stall, in turn.")
@click.option("--bus", type=click.Choice(["local", "ipc"]), help="Instead of the pipeline's.")
def live(pipeline: str, source: str, streams: str, seconds: float, rounds: int, bus: str | None) -> None:
    """How late states come in live streams, and what a stall or a crash of a plugin costs.

    The lag is from a window's last sample to its published state. Stalls are measured with processes.

    Example: stimmung bench live --streams 1,20
    """
    from .. import bench_live
    from .options import described

    description = described(pipeline, bus, None)
    samples = bench.speech(source, description.stream.rate, seconds)
    for count in map(int, streams.split(",")):
        lags = bench_live.live(description, samples, count)
        click.echo(
            f"{count} streams: {len(lags.lags_ms)} states, p50 {lags.percentile(50):.1f} ms, "
            f"p95 {lags.percentile(95):.1f} ms, p99 {lags.percentile(99):.1f} ms; "
            f"{lags.faults} faults, {lags.dropped} dropped, "
            f"the ledger {'reconciles' if lags.settled else 'does not reconcile'}"
        )
    added = []
    for without, beside in bench_live.stalled(description, samples, rounds):
        click.echo(f"beside a plugin that stands still: p99 {beside:.1f} ms, without {without:.1f} ms")
        added.append(beside - without)
    if added:
        click.echo(f"a stall adds to p99, ms: {bench.summary(added)}")
    back = bench_live.back_s(description)
    click.echo(f"back after kill -9: {', '.join(f'{one:.2f} s' for one in back)}")


@command.command(short_help="Hours of audio in one stream: what grows, and what is left behind.")
@click.option("--pipeline", default="default", show_default=True, metavar="NAME|FILE")
@click.option("--source", default="sample", show_default=True, metavar="SPEC", help="Speech to repeat.")
@click.option("--hours", default=8.0, show_default=True, help="Audio in the one stream.")
@click.option("--bus", type=click.Choice(["local", "ipc"]), help="Instead of the pipeline's.")
def soak(pipeline: str, source: str, hours: float, bus: str | None) -> None:
    """Hours of audio in one stream at full speed: what grows, and what is left behind.

    Example: stimmung bench soak --hours 8
    """
    from .. import bench_live
    from .options import described

    description = described(pipeline, bus, None)
    samples = bench.speech(source, description.stream.rate, 600)
    found = bench_live.soak(
        description, samples, hours, lambda heard, mb: click.echo(f"{heard:5.2f} h  {mb:7.1f} MB")
    )
    click.echo(
        f"grown {found.grown_mb:+.1f} MB after the first tenth; left behind: "
        f"{found.descriptors} descriptors, {found.processes} processes"
    )

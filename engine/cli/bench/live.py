"""``stimmung bench live``, ``stall``, ``back`` and ``soak``: what live streams are promised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ...bench import throughput
from ...config.schema import PipelineConfig, with_transcript
from ..options import described, named

Command = TypeVar("Command", bound=Callable[..., Any])

TRACKS = {"audio": "windows", "text": "sentences"}


def _pipeline(command: Command) -> Command:
    for option in (
        click.option(
            "--source", default="sample", show_default=True, metavar="SPEC", help="Speech to repeat."
        ),
        click.option(
            "--transcript",
            metavar="NAME[:KEY=VALUE,…]",
            help="Instead of the pipeline's: the keys of its table, such as vosk:language=ko,transport=ipc.",
        ),
        click.option("--pipeline", default="default", show_default=True, metavar="NAME|FILE"),
    ):
        command = option(command)
    return command


def _bus(command: Command) -> Command:
    return click.option("--bus", type=click.Choice(["local", "ipc"]), help="Instead of the pipeline's.")(
        command
    )


def _described(pipeline: str, transcript: str | None, bus: str | None = None) -> PipelineConfig:
    description = described(pipeline, bus, None)
    if transcript is None:
        return description
    name, options = named(transcript, "--transcript")
    return with_transcript(description, {"plugin": name, **options}, "--transcript")


@click.command(short_help="How late states come in live streams, and how late to the page.")
@_pipeline
@_bus
@click.option("--streams", default="1,20", show_default=True, help="How many at once, in turn.")
@click.option("--seconds", default=60.0, show_default=True, help="Of speech, paced at real time, each time.")
@click.option(
    "--page", is_flag=True, help="Serve the page too, and measure when a client of it has each state."
)
def live(
    pipeline: str,
    transcript: str | None,
    source: str,
    bus: str | None,
    streams: str,
    seconds: float,
    page: bool,
) -> None:
    """How late states come in live streams: those of windows, and those of sentences.

    The lag is from the last sample of a window, or of a sentence, to the published state; with --page also
    from there to a client of the page's WebSocket, in another process.

    \b
    Examples:
      stimmung bench live --streams 1,20
      stimmung bench live --pipeline arousal_valence_live --streams 2 --page
    """
    from ...bench.live import Lags
    from ...bench.live import live as measured

    description = _described(pipeline, transcript, bus)
    samples = throughput.speech(source, description.stream.rate, seconds)

    def tell(count: int, lags: Lags) -> None:
        for track, what in TRACKS.items():
            if lags.of(track):
                click.echo(f"{count} streams, {what}: {_late(lags.of(track))}")
        click.echo(
            f"{count} streams: {lags.faults.total()} faults, {lags.dropped.total()} dropped, "
            f"{_reconciled(lags.settled)}; {throughput.load()}"
        )

    for count in map(int, streams.split(",")):
        if not page:
            tell(count, measured(description, samples, count))
            continue
        from ...monitor import require

        require()
        from ...bench.page import Page

        client = Page()
        tell(count, measured(description, samples, count, client.looking))
        late = _late(client.lags_ms)
        click.echo(f"{count} streams, from state to page: {late}; {client.missing} missing")


def _reconciled(settled: bool) -> str:
    return f"the ledger {'reconciles' if settled else 'does not reconcile'}"


def _late(lags_ms: Sequence[float]) -> str:
    import numpy as np

    p50, p95, p99 = np.percentile(lags_ms, [50, 95, 99])
    return f"{len(lags_ms)} states, p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms"


@click.command(short_help="What a plugin that stands still costs the states that do not need it.")
@_pipeline
@click.option("--streams", default=8, show_default=True, type=click.IntRange(1), help="At once.")
@click.option(
    "--spells",
    default=24,
    show_default=True,
    type=click.IntRange(1),
    help="With a stall, and as many without.",
)
@click.option("--spell-s", default=5.0, show_default=True, help="How long each is.")
@click.option("--margin-s", default=1.0, show_default=True, help="Left out after each change.")
def stall(
    pipeline: str,
    transcript: str | None,
    source: str,
    streams: int,
    spells: int,
    spell_s: float,
    margin_s: float,
) -> None:
    """What a plugin that stands still costs the states that do not need it.

    Every plugin has a process; beside them works one that does nothing with what it is asked, and whose
    features nobody needs. It is stopped and continued by turns while the streams go on; each state's lag
    counts for the spell it was emitted in. The interval is that of a bootstrap over spells.

    Example: stimmung bench stall --streams 20
    """
    import numpy as np

    from ...bench.stall import TWIN, needed_s
    from ...bench.stall import stall as measured

    if not 0 <= margin_s < spell_s:
        raise click.BadParameter(f"it must be shorter than a spell, {spell_s:g} s", param_hint="--margin-s")
    description = _described(pipeline, transcript)
    samples = throughput.speech(source, description.stream.rate, needed_s(spells, spell_s))
    found = measured(description, samples, streams, pairs=spells, spell_s=spell_s, margin_s=margin_s)
    for stalled, what in ((False, "it works"), (True, "it stands still")):
        lags_ms = found.pooled(stalled)
        p50, p99 = np.percentile(lags_ms, [50, 99])
        answers = sum(spell.answers for spell in found.spells if spell.stalled == stalled)
        click.echo(
            f"{spells} spells in which {what}: {len(lags_ms)} states, p50 {p50:.1f} ms, p99 {p99:.1f} ms; "
            f"it answered {answers} calls"
        )
    low, high = found.interval_ms()
    click.echo(f"a stall adds to p99: {found.added_ms():+.1f} ms, 95 % interval {low:+.1f} to {high:+.1f} ms")
    others = found.lags.faults.total() - found.lags.faults[TWIN]
    click.echo(
        f"{streams} streams; {found.left_out} states left out; it took {100 * found.twin_share:.1f} % of a "
        f"core; {others} faults of others, {_reconciled(found.lags.settled)}; {throughput.load()}"
    )


@click.command(short_help="How soon a plugin answers again whose process was killed.")
@_pipeline
@click.option(
    "--rounds", default=3, show_default=True, type=click.IntRange(1), help="Each plugin is killed so often."
)
def back(pipeline: str, transcript: str | None, source: str, rounds: int) -> None:
    """How soon a plugin answers again whose process was killed, without a spare process and with one.

    Every plugin gets a process of its own: extractors, classifiers, detector and transcriber. The process
    that serves is killed (kill -9), and the plugin asked something; what counts is the time until it answers.

    \b
    Examples:
      stimmung bench back
      stimmung bench back --pipeline arousal_valence_live --transcript whisper:model=tiny.en
    """
    from ...bench.live import WARM_S
    from ...bench.recovery import back as measured

    description = _described(pipeline, transcript)
    samples = throughput.speech(source, description.stream.rate, WARM_S)
    for spare in (False, True):
        for one in measured(description, samples, rounds, spare=spare):
            held = " and ".join(f"{mb:.0f} MB" for mb in one.held_mb)
            how = "with a spare" if spare else "without"
            click.echo(
                f"{one.plugin}, {how}: back after s: {throughput.summary(one.back_s)}; it holds {held}"
            )
    click.echo(throughput.load())


@click.command(short_help="Hours of audio in one stream: what grows, and what is left behind.")
@_pipeline
@_bus
@click.option("--hours", default=8.0, show_default=True, help="Audio in the one stream.")
def soak(pipeline: str, transcript: str | None, source: str, bus: str | None, hours: float) -> None:
    """Hours of audio in one stream at full speed: what grows, and what is left behind.

    Example: stimmung bench soak --hours 8
    """
    from ...bench.live import soak as measured

    description = _described(pipeline, transcript, bus)
    samples = throughput.speech(source, description.stream.rate, 600)
    found = measured(
        description, samples, hours, lambda heard, mb: click.echo(f"{heard:5.2f} h  {mb:7.1f} MB")
    )
    click.echo(
        f"grown {found.grown_mb:+.1f} MB after the first tenth; left behind: "
        f"{found.descriptors} descriptors, {found.processes} processes"
    )

"""Options that several commands share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from ..config.schema import PipelineConfig, load_description
from ..errors import ConfigError
from ..runtime.live import Live

Command = TypeVar("Command", bound=Callable[..., Any])

TRANSPORTS: dict[str, Literal["local", "inproc", "ipc"]] = {
    "local": "local",
    "inproc": "inproc",
    "ipc": "ipc",
    "zmq": "ipc",
}


def pipeline_options(command: Command) -> Command:
    """``--pipeline``, ``--bus`` and ``--workers``."""
    for option in (
        click.option(
            "--workers", type=click.IntRange(1), help="Workers for each plugin, with --bus inproc or ipc."
        ),
        click.option(
            "--bus",
            type=click.Choice(list(TRANSPORTS)),
            help="Plugins in this process (local), in threads (inproc) or in processes (ipc, or zmq).",
        ),
        click.option(
            "--pipeline",
            "pipeline",
            default="default",
            show_default=True,
            metavar="NAME|FILE",
            help="A shipped pipeline, or a TOML file that describes one.",
        ),
    ):
        command = option(command)
    return command


def described(pipeline: str, bus: str | None, workers: int | None) -> PipelineConfig:
    """The pipeline asked for, with what the command line changes of it."""
    asked = {"transport": TRANSPORTS[bus] if bus else None, "workers": workers}
    return load_description(pipeline, **{key: value for key, value in asked.items() if value is not None})


def named(spec: str, hint: str) -> tuple[str, dict[str, Any]]:
    """``jsonl:path=out.jsonl,timing=true`` → a plugin's name and options; ``hint``: where it was given."""
    name, _, rest = spec.partition(":")
    options: dict[str, Any] = {}
    for item in filter(None, rest.split(",")):
        key, separator, value = item.partition("=")
        if not separator:
            raise click.BadParameter(f"'{item}' in '{spec}' is not KEY=VALUE", param_hint=hint)
        options[key] = {"true": True, "false": False}.get(value, value)
    return name, options


def record_option(command: Command) -> Command:
    """``--record``."""
    return click.option(
        "--record",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Keep audio, words and states of every stream; --source recording:DIR replays them.",
    )(command)


def speaker_option(command: Command) -> Command:
    """``--speaker``."""
    return click.option(
        "--speaker",
        default="",
        metavar="NAME",
        help="Who is heard: a classifier with remember = true begins with what it learnt of them before.",
    )(command)


def check_alone(speaker: str, sources: Sequence[str]) -> None:
    """Raises ConfigError where a speaker is named who would be heard on several sources at once."""
    if speaker and len(sources) > 1:
        raise ConfigError(
            "--speaker names who is heard, but there are several sources",
            got=" and ".join(sources),
            remedy="run one for each speaker",
        )


def page_options(command: Command) -> Command:
    """``--listen`` and ``--token``, of commands that serve the page."""
    for option in (
        click.option(
            "--token",
            envvar="STIMMUNG_TOKEN",
            default="",
            help="Asked of whoever connects; needed off loopback. Or set STIMMUNG_TOKEN.",
        ),
        click.option(
            "--listen",
            default="127.0.0.1:8765",
            show_default=True,
            metavar="HOST:PORT",
            help="Where the page is; port 0 is any that is free.",
        ),
    ):
        command = option(command)
    return command


@contextmanager
def stopped_by_signals(live: Live) -> Iterator[None]:
    """SIGINT and SIGTERM end the streams, tails included; a second one acts as it would outside."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for one, handler in before.items():
            signal.signal(one, handler)

    def stop(*_: object) -> None:
        restore()
        live.stop()

    for one in before:
        signal.signal(one, stop)
    try:
        yield
    finally:
        restore()

"""A progress bar on a terminal, a plain line now and then elsewhere; always on standard error."""

from __future__ import annotations

import datetime
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

PLAIN_EVERY_S = 5.0

Step = Callable[[int, int | None, str], None]


@contextmanager
def progress(what: str) -> Iterator[Step]:
    """Gives a function to call with (done, total or None, the item just done)."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain(what)
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[item]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None, item="")

        def step(done: int, total: int | None, item: str) -> None:
            bar.update(task, completed=done, total=total, item=item)

        yield step


class _Rate(ProgressColumn):
    """Items a second, lately."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


def _plain(what: str) -> Step:
    said_s = began_s = time.monotonic()
    began: int | None = None  # what was done before: a replay that goes on does not begin at 0

    def step(done: int, total: int | None, item: str) -> None:
        nonlocal said_s, began
        began = done - 1 if began is None else began
        now_s = time.monotonic()
        if done == total or now_s - said_s >= PLAIN_EVERY_S:
            said_s = now_s
            rate = (done - began) / max(now_s - began_s, 1e-9)
            left = f", {_clock((total - done) / rate)} left" if total and done < total and rate else ""
            of = f" of {total}" if total else ""
            print(f"{what}: {done}{of}, {rate:.1f}/s{left} ({item})", file=sys.stderr, flush=True)

    return step


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))

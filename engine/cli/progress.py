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
        last: tuple[int, int | None] = 0, None

        def step(done: int, total: int | None, item: str) -> None:
            nonlocal last
            if _anew(last, done, total):
                bar.reset(task)
            last = done, total
            bar.update(task, completed=done, total=total, item=item)

        yield step


class _Rate(ProgressColumn):
    """Items a second, lately."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


def _anew(last: tuple[int, int | None], done: int, total: int | None) -> bool:
    """True when other things are counted now than in the last step."""
    return done < last[0] or (total != last[1] and last[1] is not None)


def _plain(what: str) -> Step:
    said_s = began_s = last_s = time.monotonic()
    began: int | None = None  # what was done before: a replay that goes on does not begin at 0
    last: tuple[int, int | None] = 0, None

    def step(done: int, total: int | None, item: str) -> None:
        nonlocal said_s, began, began_s, last, last_s
        if began is None:
            began = done - 1
        elif _anew(last, done, total):
            began, began_s = 0, last_s
        now_s = last_s = time.monotonic()
        last = done, total
        if done == total or now_s - said_s >= PLAIN_EVERY_S:
            said_s = now_s
            rate = (done - began) / max(now_s - began_s, 1e-9)
            left = f", {_clock((total - done) / rate)} left" if total and done < total and rate else ""
            of = f" of {total}" if total else ""
            print(f"{what}: {done}{of}, {rate:.1f}/s{left} ({item})", file=sys.stderr, flush=True)

    return step


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))

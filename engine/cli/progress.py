"""A progress bar on a terminal, a plain line now and then elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

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
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[item]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None, item="")

        def step(done: int, total: int | None, item: str) -> None:
            bar.update(task, completed=done, total=total, item=item)

        yield step


def _plain(what: str) -> Step:
    said_s = time.monotonic()

    def step(done: int, total: int | None, item: str) -> None:
        nonlocal said_s
        if done == total or time.monotonic() - said_s >= PLAIN_EVERY_S:
            said_s = time.monotonic()
            print(f"{what}: {done}{f' of {total}' if total else ''} ({item})", file=sys.stderr, flush=True)

    return step

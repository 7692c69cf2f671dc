"""Pieces of pages of figures: tables in Markdown, shares in per cent, pictures that are always the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, and an empty one."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def percent(share: float, interval: Sequence[float]) -> str:
    """A share with its 95 % interval, in per cent."""
    return f"{100 * share:.1f} [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]"


def save_picture(figure: Figure, path: Path) -> None:
    """Without the date and the version of matplotlib the same figures give the same file."""
    figure.savefig(path, dpi=100, metadata={"Software": None})

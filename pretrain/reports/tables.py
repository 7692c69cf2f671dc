"""Tables of a page."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table of texts."""
    yield "<table><tr>" + "".join(f"<th>{text(cell)}</th>" for cell in header) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>"
    yield "</table>"


def share_cell(count: int, total: int) -> str:
    """A cell of a confusion: the share of its row, the darker the larger."""
    share = count / total if total else 0.0
    ink = "#fff" if share > 0.55 else "#222"
    return f'<td style="background: rgba(33, 102, 172, {share:.3f}); color: {ink}">{share:.2f} ({count})</td>'


def text(value: str) -> str:
    """As it stands between tags."""
    return html.escape(str(value))

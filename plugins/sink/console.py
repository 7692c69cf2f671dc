"""States for a person: a live table on a terminal, one plain line a state anywhere else."""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import dataclass, field

from rich.console import Console as Terminal
from rich.live import Live
from rich.table import Table
from rich.text import Text
from stimmung.engine.plugin import Sink, hookimpl
from stimmung.engine.types import EmotionState, Event, Prediction, Reason, Status

BAR_CELLS = 10
ROWS = 20  # streams × targets in the table; the ones heard last
RECENT = 24  # states in the trail of a row
COLOURS = ("red", "yellow", "blue", "magenta", "green", "cyan", "bright_red", "bright_blue", "bright_green")


class Console:
    """Shows states, not predictions, on standard output.

    The plain line is stable: time of the last sample, target, label, confidence and its bar, votes for
    the label of all votes, and the status unless it is ok, of ``unsure`` also that what is heard is unlike
    the training data if that is why::

        00:05.0  emotion  anger       0.82  ████████░░  4/5 votes

    A line with the stream's name comes before the first state of each stream, and again when it changes.
    """

    api = 1
    name = "console"

    def __init__(self) -> None:
        self._terminal = Terminal(file=sys.stdout, highlight=False)
        self._stream: str | None = None
        self._rows: dict[tuple[str, str], _Row] = {}
        self._live: Live | None = None
        if self._terminal.is_terminal:
            self._live = Live(console=self._terminal, get_renderable=self._table, refresh_per_second=10)
            self._live.start()

    def write(self, event: Event) -> None:
        """Shows ``event`` if it is a state."""
        if isinstance(event, Prediction):
            return
        if self._live is None:
            self._print(event)
            return
        row = self._rows.pop((event.stream, event.target), None) or _Row(event)
        row.take(event)
        self._rows[event.stream, event.target] = row  # last: a dict keeps the order of insertion

    def close(self) -> None:
        """Leaves the last table standing; again does nothing."""
        if self._live is not None:
            self._live.stop()

    def _print(self, state: EmotionState) -> None:
        lines = [plain_line(state)]
        if state.stream != self._stream:
            self._stream = state.stream
            lines.insert(0, f"── {state.stream}")
        encoding = sys.stdout.encoding or "utf-8"
        for line in lines:
            print(line.encode(encoding, "replace").decode(encoding), flush=True)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("stream", "time", "target", "state", "", "", "votes", "", "lately"):
            table.add_column(heading, no_wrap=True, overflow="ellipsis")
        for row in sorted(list(self._rows.values())[-ROWS:], key=lambda row: row.key):
            table.add_row(*row.cells())
        return table


@dataclass
class _Row:
    """One line of the table: a stream, a target, its state now and the states before."""

    state: EmotionState
    recent: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=RECENT))

    @property
    def key(self) -> tuple[str, str]:
        return self.state.stream, self.state.target

    def take(self, state: EmotionState) -> None:
        self.state = state
        self.recent.append(("·" if state.status is Status.NO_SPEECH else "■", _colour(state)))

    def cells(self) -> list[Text | str]:
        state = self.state
        colour = _colour(state)
        return [
            Text(state.stream, style="bold"),
            _time(state),
            state.target,
            Text(state.label or "–", style=f"bold {colour}"),
            f"{state.confidence:.2f}",
            Text(_bar(state.confidence), style=colour),
            _votes(state),
            Text(_remark(state), style="dim"),
            Text.assemble(*self.recent),
        ]


def plain_line(state: EmotionState) -> str:
    """A state in one line of fixed columns, which depends on nothing but the state."""
    width = max((len(label) for label in state.probabilities), default=1)
    parts = [
        _time(state),
        state.target,
        f"{state.label or '–':<{width}}",
        f"{state.confidence:.2f}",
        _bar(state.confidence),
        f"{_votes(state)} votes",
        _remark(state),
    ]
    return "  ".join(parts).rstrip()


def _time(state: EmotionState) -> str:
    """``MM:SS.t`` of the first sample after the span, ``H:MM:SS.t`` after an hour; never rounded up."""
    tenths = state.span.stop * 10 // state.span.rate
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02}:{tenths // 10:02}.{tenths % 10}"
    return f"{hours}:{clock}" if hours else clock


def _bar(share: float) -> str:
    full = min(BAR_CELLS, max(0, round(share * BAR_CELLS)))
    return "█" * full + "░" * (BAR_CELLS - full)


def _votes(state: EmotionState) -> str:
    return f"{state.votes.get(state.label or '', 0)}/{state.voters}"


def _remark(state: EmotionState) -> str:
    if state.status is Status.OK:
        return ""
    unlike = " (unlike the training data)" if state.reason is Reason.DISTANCE else ""
    return state.status.value.replace("_", " ") + unlike


def _colour(state: EmotionState) -> str:
    """The colour of the label's place among its model's labels, so it never changes in a run."""
    labels = list(state.probabilities)
    return COLOURS[labels.index(state.label) % len(COLOURS)] if state.label in labels else "white"


@hookimpl
def stimmung_sink() -> type[Sink]:
    return Console

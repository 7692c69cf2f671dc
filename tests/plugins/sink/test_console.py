"""A person reads one stable line a state, or a table that keeps itself up to date."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console as Terminal
from sink_events import PREDICTION, state
from stimmung.engine.types import Reason, Span, Status
from stimmung.plugins.sink.console import ROWS, Console, plain_line


def test_a_state_is_one_line_of_fixed_columns() -> None:
    assert plain_line(state()) == "00:05.0  emotion  anger      0.82  ████████░░  4/5 votes"


def test_a_state_that_is_unsure_says_so() -> None:
    unsure = state(status=Status.UNSURE, label="sadness", confidence=0.3)
    assert plain_line(unsure) == "00:05.0  emotion  sadness    0.30  ███░░░░░░░  1/5 votes  unsure"


def test_a_state_that_is_unsure_because_of_the_voice_says_that_too() -> None:
    far = state(status=Status.UNSURE, reason=Reason.DISTANCE)
    low = state(status=Status.UNSURE, reason=Reason.CONFIDENCE)
    assert plain_line(far).endswith("4/5 votes  unsure (unlike the training data)")
    assert plain_line(low).endswith("4/5 votes  unsure")


def test_a_stream_where_nobody_spoke_has_a_dash_for_a_label() -> None:
    silent = state(status=Status.NO_SPEECH, label=None, confidence=0.0, votes={}, voters=0)
    assert plain_line(silent) == "00:05.0  emotion  –          0.00  ░░░░░░░░░░  0/0 votes  no speech"


@pytest.mark.parametrize(
    ("stop", "rate", "shown"),
    [
        (0, 16_000, "00:00.0"),
        (1_599, 16_000, "00:00.0"),
        (959_999, 16_000, "00:59.9"),
        (59_999, 1_000, "00:59.9"),
        (60_000, 1_000, "01:00.0"),
        (3_600_000, 1_000, "1:00:00.0"),
        (360_000_100, 1_000, "100:00:00.1"),
    ],
)
def test_time_is_never_rounded_up(stop: int, rate: int, shown: str) -> None:
    assert plain_line(state(span=Span(0, stop, rate))).split()[0] == shown


def test_the_stream_is_named_before_its_first_state_and_when_it_changes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sink = Console()
    for stream in ("a.wav", "a.wav", "b.wav", "a.wav"):
        sink.write(PREDICTION)
        sink.write(state(stream=stream))
    sink.close()
    sink.close()
    line = plain_line(state())
    want = ["── a.wav", line, line, "── b.wav", line, "── a.wav", line]
    assert capsys.readouterr().out.splitlines() == want


def test_an_output_that_is_not_unicode_gets_question_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    sink = Console()
    sink.write(state())
    assert (
        raw.getvalue().decode("ascii").splitlines()[1].startswith("00:05.0  emotion  anger      0.82  ?????")
    )


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a terminal of 120 columns was sent."""
    sent = io.StringIO()

    def open_terminal(**options: object) -> Terminal:
        return Terminal(file=sent, force_terminal=True, width=120, height=40, color_system="truecolor")

    monkeypatch.setattr("stimmung.plugins.sink.console.Terminal", open_terminal)
    return sent


def rows(terminal: io.StringIO) -> list[str]:
    """The table as it stands at the end."""
    last = terminal.getvalue().rpartition("stream")[2]
    return [line for line in last.splitlines()[1:] if "emotion" in line or "arousal" in line]


def test_a_terminal_gets_one_row_for_each_stream_and_target(terminal: io.StringIO) -> None:
    sink = Console()
    sink.write(state(stream="b.wav"))
    sink.write(state(target="arousal", label="high", probabilities={"low": 0.1, "high": 0.9}))
    sink.write(state(label="neutral"))
    sink.write(state(span=Span(16_000, 96_000, 16_000), status=Status.UNSURE))
    sink.close()
    sink.close()
    table = rows(terminal)
    assert len(table) == 3
    assert "a.wav" in table[0]
    assert "high" in table[0]
    assert "00:06.0" in table[1]
    assert "anger" in table[1]
    assert "unsure" in table[1]
    assert table[1].count("■") == 2
    assert "b.wav" in table[2]


def test_the_table_keeps_to_the_streams_heard_last(terminal: io.StringIO) -> None:
    sink = Console()
    for number in range(ROWS + 10):
        sink.write(state(stream=f"{number:03}.wav"))
    sink.close()
    table = rows(terminal)
    assert len(table) == ROWS
    assert "010.wav" in table[0]

"""One record a line, on disk as soon as it is written, the same bytes in every run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sink_events import PREDICTION, state
from stimmung.engine.errors import ConfigError, StimmungError
from stimmung.engine.storage.records import record
from stimmung.plugins.sink.jsonl import JsonLines

Captured = pytest.CaptureFixture[bytes]


def test_each_state_is_one_line_and_on_disk_at_once(tmp_path: Path) -> None:
    path = tmp_path / "states.jsonl"
    sink = JsonLines(str(path))
    for stream in ("a.wav", "b\nc.wav", "grüße.wav"):
        sink.write(state(stream=stream))
        assert json.loads(path.read_bytes().splitlines()[-1]) == record(state(stream=stream))
    assert path.read_text("utf-8").count("\n") == 3
    sink.close()


def test_predictions_are_written_when_asked_for(tmp_path: Path) -> None:
    kinds = {}
    for asked in (False, True):
        path = tmp_path / f"{asked}.jsonl"
        sink = JsonLines(str(path), predictions=asked)
        sink.write(PREDICTION)
        sink.write(state())
        sink.close()
        kinds[asked] = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
    assert kinds == {False: ["state"], True: ["prediction", "state"]}


def test_two_runs_write_the_same_bytes_whatever_their_lag(tmp_path: Path) -> None:
    for name, lag_ms in (("one", 1.0), ("two", 2.0)):
        sink = JsonLines(str(tmp_path / name))
        sink.write(state(lag_ms=lag_ms))
        sink.close()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_timing_adds_the_lag(tmp_path: Path) -> None:
    path = tmp_path / "states.jsonl"
    sink = JsonLines(str(path), timing=True)
    sink.write(state())
    sink.close()
    assert json.loads(path.read_text())["lag_ms"] == 20.5


def test_a_dash_is_standard_output_which_stays_open(capfdbinary: Captured) -> None:
    for _ in range(2):
        sink = JsonLines()
        sink.write(state())
        sink.close()
    lines = capfdbinary.readouterr().out.splitlines()
    assert [json.loads(line)["label"] for line in lines] == ["anger", "anger"]


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    sink = JsonLines(str(tmp_path / "states.jsonl"))
    sink.close()
    sink.close()


def test_a_path_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"cannot write '.*/no/states.jsonl', got No such file or directory"
    ):
        JsonLines(str(tmp_path / "no" / "states.jsonl"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_clear_line() -> None:
    sink = JsonLines("/dev/full")
    message = "can no longer write to '/dev/full', got No space left on device"
    with pytest.raises(StimmungError, match=message):
        sink.write(state())
    with pytest.raises(StimmungError, match=message):
        sink.close()
    sink.close()

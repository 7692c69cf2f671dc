"""The pipeline of two clocks that ships, on the speech that ships with the transcript beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from stimmung.engine.cli import main
from stimmung.engine.config.schema import BusTable, load_description
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.types import EmotionState, Floats, Output
from stimmung.samples import SPEECH
from support import RATE, cut, every

PIPELINE = load_description("arousal_valence")


@pytest.fixture(scope="module")
def speech() -> Floats:
    """The sample, (n,) at 16 kHz."""
    (feed,) = open_source("sample").feeds()
    return np.concatenate([chunk.samples[:, 0] for chunk in feed.chunks])


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(PIPELINE) as host:
        yield host


def states(host: Host, speech: Floats, size: int) -> list[EmotionState]:
    stream = host.stream("s", origin=SPEECH)
    outputs: list[Output] = list(stream.play(cut(speech, every(size))))
    assert stream.pipeline.ledger.settled
    return [output for output in outputs if isinstance(output, EmotionState)]


@pytest.fixture(scope="module")
def expected(host: Host, speech: Floats) -> list[EmotionState]:
    return states(host, speech, len(speech))


def test_arousal_goes_by_the_second_and_valence_by_the_sentence(
    expected: list[EmotionState], speech: Floats
) -> None:
    stops = {
        target: [s.span.stop for s in expected if s.target == target] for target in ("arousal", "valence")
    }
    assert stops["arousal"] == [*range(RATE, len(speech), RATE), len(speech)]
    first, second, last = (stop / RATE for stop in stops["valence"])
    assert first == pytest.approx(11.0)
    assert 17.0 < second < 22.0
    assert last == pytest.approx(27.4, abs=0.1)
    assert {label for state in expected for label in state.votes} == {"low", "medium", "high"}


@pytest.mark.parametrize("size", [1600, 7919])
def test_chunks_make_no_difference(
    host: Host, speech: Floats, expected: list[EmotionState], size: int
) -> None:
    assert states(host, speech, size) == expected


def test_workers_make_no_difference(speech: Floats, expected: list[EmotionState]) -> None:
    spread = msgspec.structs.replace(PIPELINE, bus=BusTable(transport="ipc"))
    with Host(spread) as host:
        assert states(host, speech, 1600) == expected


def test_it_runs_from_the_command_line(
    tmp_path: Path, expected: list[EmotionState], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "states.jsonl"
    arguments = ["stimmung", "run", "--source", "sample", "--pipeline", "arousal_valence"]
    monkeypatch.setattr("sys.argv", [*arguments, "--sink", f"jsonl:path={out}"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    records = [json.loads(line) for line in out.read_text().splitlines()]
    told = [(r["target"], r["stop"], r["label"]) for r in records if r["kind"] == "state"]
    assert told == [(s.target, s.span.stop, s.label) for s in expected]

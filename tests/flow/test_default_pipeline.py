"""The promise, kept by the pipelines of voice alone that ship, on the speech that ships."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from stimmung.engine.batch.replay import replay
from stimmung.engine.config.schema import BusTable, PipelineConfig, load_description
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.runtime.live import Live, ToSinks
from stimmung.engine.storage.records import Record, record
from stimmung.engine.types import EmotionState, Event, Floats, Output
from stimmung.samples import SPEECH
from support import cut, every
from threadpoolctl import threadpool_info

PIPELINES = {name: load_description(name) for name in ("default", "hsf_svm")}


def speech() -> Floats:
    """The sample, (n,) at 16 kHz."""
    (feed,) = open_source("sample").feeds()
    return np.concatenate([chunk.samples[:, 0] for chunk in feed.chunks])


def states(outputs: Iterator[Output]) -> list[Record]:
    return [record(output) for output in outputs if isinstance(output, EmotionState)]


@pytest.fixture(scope="module", params=PIPELINES)
def pipeline(request: pytest.FixtureRequest) -> PipelineConfig:
    return PIPELINES[request.param]


@pytest.fixture(scope="module")
def host(pipeline: PipelineConfig) -> Iterator[Host]:
    with Host(pipeline) as host:
        yield host


@pytest.fixture(scope="module")
def expected(host: Host) -> list[Record]:
    samples = speech()
    return states(host.stream("s").play(cut(samples, every(len(samples)))))


def test_every_second_and_the_tail_have_a_state(pipeline: PipelineConfig, expected: list[Record]) -> None:
    stops = [0, *(state["stop"] for state in expected)]
    assert max(np.diff(stops)) <= 16000
    assert stops[-1] == len(speech())
    if pipeline.segments.kind == "windows":
        assert stops[1:-1] == [*range(16000, len(speech()), 16000)]


def sizes(kind: str) -> Iterator[int]:
    if kind == "random":
        random.seed(7)
        return (random.randint(1, 9000) for _ in itertools.count())
    return every({"10 ms": 160, "100 ms": 1600}[kind])


@pytest.mark.parametrize("kind", ["10 ms", "100 ms", "random"])
def test_states_do_not_depend_on_the_chunks(host: Host, expected: list[Record], kind: str) -> None:
    assert states(host.stream("s").play(cut(speech(), sizes(kind)))) == expected


@pytest.mark.parametrize(("transport", "workers"), [("inproc", 1), ("ipc", 1), ("ipc", 2)])
def test_states_do_not_depend_on_the_bus(
    pipeline: PipelineConfig, expected: list[Record], transport: str, workers: int
) -> None:
    bus = msgspec.convert({"transport": transport, "workers": workers}, BusTable)
    with Host(msgspec.structs.replace(pipeline, bus=bus)) as host:
        assert states(host.stream("s").play(cut(speech(), every(1600)))) == expected


@pytest.mark.parametrize("transport", ["local", "inproc"])
def test_matrices_are_multiplied_in_one_thread_while_a_host_is_open(
    pipeline: PipelineConfig, transport: str
) -> None:
    def threads() -> list[int]:
        return sorted(entry["num_threads"] for entry in threadpool_info() if entry["user_api"] == "blas")

    bus = msgspec.convert({"transport": transport}, BusTable)
    with Host(pipeline):
        pass  # whoever opens a second host finds the number of threads that the first one gave back
    before = threads()
    with Host(msgspec.structs.replace(pipeline, bus=bus)) as host:
        list(host.stream("s").play(cut(speech(), every(16000))))
        assert set(threads()) == {1}
    assert threads() == before


class Keep:
    """A sink that keeps what it gets."""

    name = "keep"

    def __init__(self) -> None:
        self.states: list[Record] = []

    def write(self, event: Event) -> None:
        if isinstance(event, EmotionState):
            self.states.append({**record(event), "stream": "s"})

    def close(self) -> None:
        pass


def test_states_do_not_depend_on_the_speed(host: Host, expected: list[Record], tmp_path: Path) -> None:
    path = tmp_path / "start.wav"
    soundfile.write(path, speech()[: 16000 * 4], 16000)
    told = []
    for paced in (True, False):
        keep = Keep()
        live = Live(host, [ToSinks([keep])], paced=paced)
        assert live.run([open_source(str(path), chunk_ms=100.0)]) == 0
        told.append(keep.states)
    assert told[0] == told[1]
    assert told[0][:3] == expected[:3]


def test_replay_writes_the_same_tables_for_any_number_of_jobs(
    pipeline: PipelineConfig, expected: list[Record], tmp_path: Path
) -> None:
    for jobs in (1, 2):
        replay([str(SPEECH), str(SPEECH.parent)], pipeline, tmp_path / str(jobs), jobs=jobs)
    for table in ("states", "predictions", "errors"):
        one, two = ((tmp_path / jobs / f"{table}.jsonl").read_bytes() for jobs in ("1", "2"))
        assert one == two
    lines = (tmp_path / "1" / "states.jsonl").read_text().splitlines()
    assert [{**json.loads(line), "stream": "s"} for line in lines] == expected * 2
    assert json.loads((tmp_path / "2" / "run.json").read_text())["reconciles"] is True


def test_beside_three_other_targets_the_emotion_is_that_of_the_default_pipeline() -> None:
    samples, found = speech(), []
    for pipeline in (PIPELINES["default"], load_description("voice")):
        with Host(pipeline) as host:
            found.append(states(host.stream("s").play(cut(samples, every(len(samples))))))
    default, voice = found
    assert {state["target"] for state in voice} == {"emotion", "emotion7", "arousal", "valence"}
    assert [state for state in voice if state["target"] == "emotion"] == default

"""Features normalised by the stream: what holds of every pipeline holds of such ones too."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from stimmung.engine.batch.replay import replay
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.errors import ModelError
from stimmung.engine.runtime.host import Host
from stimmung.engine.transport.zmq_bus import ZmqBus
from stimmung.engine.types import Chunk, EmotionState, Fault, Output, Prediction
from support import RATE, acme, cut, every, syllables

# Somebody who speaks up only now and then: 6 of 20 s are silent.
SPEECH = np.concatenate([syllables(7.3), np.zeros(6 * RATE, np.float32), syllables(7.1, seed=1)])


def normalised(**changes: Any) -> PipelineConfig:
    """Both classifiers of the test's pipeline, one of them normalised by the stream."""
    classifiers = [
        {"plugin": "acme-loud", "level": True, "normalise": "stream"},
        {"plugin": "acme-loud", "name": "second", "target": "power"},
    ]
    return acme(**{"classifiers": classifiers, **changes})


def outputs(host: Host, chunks: Iterator[Chunk]) -> list[Output]:
    stream = host.stream("s")
    found = list(stream.play(chunks))
    assert stream.pipeline.ledger.settled
    return found


def predictions(found: list[Output], target: str = "arousal") -> list[Prediction]:
    return [output for output in found if isinstance(output, Prediction) and output.target == target]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(normalised()) as host:
        yield host


@pytest.fixture(scope="module")
def expected(host: Host) -> list[Output]:
    return outputs(host, cut(SPEECH, every(len(SPEECH))))


def test_normalising_changes_the_classifier_it_is_asked_of_and_no_other(expected: list[Output]) -> None:
    with Host(acme()) as plain:
        raw = outputs(plain, cut(SPEECH, every(len(SPEECH))))
    assert predictions(expected) != predictions(raw)
    assert predictions(expected, "power") == predictions(raw, "power")
    spans = [[output.span for output in found] for found in (expected, raw)]
    assert spans[0] == spans[1]


@pytest.mark.parametrize("size", [160, 1600, 999])
def test_it_does_not_depend_on_the_size_of_chunks(host: Host, expected: list[Output], size: int) -> None:
    assert outputs(host, cut(SPEECH, every(size))) == expected


@settings(deadline=None, max_examples=15)
@given(sizes=st.lists(st.integers(1, 20000), min_size=1, max_size=20))
def test_it_does_not_depend_on_random_sizes_of_chunks(sizes: list[int]) -> None:
    def cycle() -> Iterator[int]:
        while True:
            yield from sizes

    with Host(normalised()) as host:
        assert outputs(host, cut(SPEECH, cycle())) == outputs(host, cut(SPEECH, every(len(SPEECH))))


@pytest.mark.parametrize(("transport", "workers"), [("inproc", 1), ("inproc", 3), ("ipc", 1), ("ipc", 2)])
def test_it_does_not_depend_on_the_bus(expected: list[Output], transport: str, workers: int) -> None:
    with Host(normalised(bus={"transport": transport, "workers": workers})) as host:
        assert outputs(host, cut(SPEECH, every(1600))) == expected


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_of_any_worker_loses_nothing_of_what_is_known_of_the_speaker(
    expected: list[Output], workers: int
) -> None:
    with Host(normalised(bus={"transport": "ipc", "workers": workers})) as host:
        assert isinstance(host.bus, ZmqBus)
        stream, found, killed = host.stream("s"), [], 0
        for number, chunk in enumerate(cut(SPEECH, every(1600))):
            found += stream.push(chunk)
            if number % 40 == 20:
                slot = host.bus.supervisor.slots[killed % len(host.bus.supervisor.slots)]
                identity = slot.identity
                os.kill(host.bus.supervisor.pid(identity), signal.SIGKILL)
                while slot.identity == identity:
                    host.bus.pump(0.01)
                killed += 1
        found += stream.finish()
        assert found == expected
        assert host.restarts == killed > 3


def test_a_prefix_of_a_stream_gives_a_prefix_of_its_predictions(host: Host, expected: list[Output]) -> None:
    """Nothing of a prediction depends on what is heard after its segment."""
    for seconds in (3, 9, 16):
        samples = SPEECH[: seconds * RATE]
        begun = predictions(outputs(host, cut(samples, every(1600))))
        assert begun
        assert begun == predictions(expected)[: len(begun)]


def test_streams_of_one_host_know_nothing_of_each_other(host: Host, expected: list[Output]) -> None:
    one, other = host.stream("s"), host.stream("t")
    found: list[Output] = []
    for mine, theirs in zip(
        cut(SPEECH, every(1600)), cut(5 * syllables(20.4, seed=3), every(1600)), strict=True
    ):
        found += one.push(mine)
        list(other.push(theirs))
    found += one.finish()
    assert found == expected


def test_a_gap_does_not_forget_who_speaks(host: Host, expected: list[Output]) -> None:
    """What comes after a gap is cut as if the stream had begun there, but its speaker is known."""
    gap_at = len(SPEECH) + 100 * RATE
    chunks = [Chunk(SPEECH[:, np.newaxis], RATE), Chunk(SPEECH[:, np.newaxis], RATE, start=gap_at)]
    found = predictions(outputs(host, iter(chunks)))
    alone = predictions(expected)
    assert found[: len(alone)] == alone
    after = [one.probabilities for one in found[len(alone) :]]
    assert len(after) == len(alone)
    assert after != [one.probabilities for one in alone]


def test_a_replay_writes_the_same_tables_for_any_number_of_jobs(
    expected: list[Output], tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for name in ("a.wav", "b.wav"):
        soundfile.write(files / name, SPEECH, RATE, subtype="FLOAT")
    for jobs in (1, 2):
        replay([str(files)], normalised(), tmp_path / str(jobs), jobs=jobs)
    one, two = ((tmp_path / jobs / "predictions.jsonl").read_bytes() for jobs in ("1", "2"))
    assert one == two
    assert one.count(b'"arousal"') == 2 * len(predictions(expected))


@pytest.mark.parametrize("bus", ["local", "ipc"])
def test_a_segment_that_is_lost_counts_for_nothing_and_takes_no_other_with_it(bus: str) -> None:
    speech = syllables(12.0) * np.float32(0.3)
    speech[round(4.5 * RATE)] = 0.95  # heard by the windows that end at 5 to 9 s
    extractors = [
        {"plugin": "acme-loudness"},
        {"plugin": "acme-faulty", "fault": "raise", "above": 0.9},
    ]
    classifiers = [{"plugin": "acme-loud", "faulty": True, "normalise": "stream"}]
    activity = {"plugin": "acme-speaker", "above": 0.0}
    description = acme(
        extractors=extractors, classifiers=classifiers, bus={"transport": bus}, activity=activity
    )
    with Host(description) as host:
        found = outputs(host, cut(speech, every(1600)))
    assert sum(isinstance(output, Fault) for output in found) == 5
    assert [one.span.stop for one in predictions(found)] == [s * RATE for s in (1, 2, 3, 4, 10, 11, 12)]
    assert sum(isinstance(output, EmotionState) for output in found) == 7


def test_a_classifier_that_does_not_say_whom_it_was_trained_on_is_refused() -> None:
    classifiers = [{"plugin": "acme-loud", "population": False, "normalise": "stream"}]
    with pytest.raises(ModelError, match=r"'acme-loud' cannot be normalised.*declares its population"):
        Host(acme(classifiers=classifiers))

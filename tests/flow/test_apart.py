"""A transcriber or a detector with a process of its own gives the same states as one without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hearing import APART, GAPPED, SECONDS, SPEECH, close, failing, faults, ledger, listening, of, play
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.errors import ConfigError, InputError
from stimmung.engine.monitor.health import Health
from stimmung.engine.runtime.host import Host
from stimmung.engine.streaming.observer import Observer
from stimmung.engine.types import Output, Words
from support import RATE, cut, every, until


@pytest.fixture(scope="module")
def expected() -> list[Output]:
    with Host(listening()) as host:
        return play(host)


@pytest.fixture(scope="module")
def apart() -> Iterator[Host]:
    with Host(listening(APART, APART)) as host:
        yield host


@pytest.mark.parametrize("size", [160, 1600, 7919, len(SPEECH)])
def test_a_process_of_its_own_changes_no_state_whatever_the_chunks(
    apart: Host, expected: list[Output], size: int
) -> None:
    assert play(apart, cut(SPEECH, every(size))) == expected


@pytest.mark.parametrize("changes", [{"transport": "ipc"}, {"transport": "inproc"}, {"workers": 2}])
def test_neither_the_bus_of_the_others_nor_the_number_of_processes_changes_a_state(
    expected: list[Output], changes: dict[str, Any]
) -> None:
    with Host(listening(APART, APART, bus=changes)) as host:
        assert play(host) == expected
        assert play(host) == expected


def test_a_gap_means_there_what_it_means_here(apart: Host) -> None:
    with Host(listening()) as host:
        near = play(host, GAPPED)
    assert play(apart, GAPPED) == near


def test_live_states_are_those_of_a_replay(apart: Host, expected: list[Output]) -> None:
    lived = play(apart, live=True)
    for target in ("arousal", "valence"):
        assert of(lived, target) == of(expected, target)
    assert not faults(lived)


class Understood(Observer):
    def __init__(self) -> None:
        self.words: list[Words] = []

    def on_words(self, stream: str, words: Words) -> None:
        self.words.append(words)


def test_words_are_told_as_they_are_here(apart: Host) -> None:
    far, near = Understood(), Understood()
    play(apart, observer=far)
    with Host(listening()) as host:
        play(host, observer=near)
    assert len(far.words) == SECONDS + 1
    assert far.words == near.words


def test_streams_that_share_a_process_do_not_share_a_state(apart: Host, expected: list[Output]) -> None:
    streams = [apart.stream(name) for name in "ab"]
    outputs: list[list[Output]] = [[], []]
    for chunk in cut(SPEECH, every(1600)):
        for stream, found in zip(streams, outputs, strict=True):
            found += stream.push(chunk)
    for stream, found in zip(streams, outputs, strict=True):
        found += close(stream)
        assert [getattr(one, "label", None) for one in found] == [
            getattr(one, "label", None) for one in expected
        ]


# Faults of a transcriber: second 4 is where it fails.


def test_input_that_is_unfit_is_named_before_the_stream_begins_or_ends_it() -> None:
    with Host(listening({"fault": "refuse", **APART})) as host:
        with pytest.raises(InputError, match="no recording to hear"):
            host.stream("s")
        stream = host.stream("s", live=True)
        first, second = [*cut(SPEECH, every(RATE))][:2]
        list(stream.push(first))
        until(host, lambda: not stream.pipeline._calls, "the answer")
        with pytest.raises(InputError, match="no recording to hear"):
            list(stream.push(second))
        list(stream.close())
        assert stream.pipeline.ledger.settled
    with Host(listening(failing("unfit", 4))) as host:
        stream = host.stream("s")
        with pytest.raises(InputError, match="the transcript is torn"):
            list(stream.play(cut(SPEECH, every(1600))))
        assert stream.pipeline.ledger.record()["transcribe"]["dropped"]["unfit"]


@pytest.mark.parametrize("key", [{"command": ["true"]}, {"remote": True}])
def test_no_other_program_serves_what_holds_a_streams_state(key: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="it holds a stream's state"):
        listening(key, bus={"listen": "tcp://127.0.0.1:5560"})


def test_two_processes_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="two entries are called 'ear'"):
        listening({"name": "ear", **APART}, APART)


def test_a_plugin_that_cannot_be_built_there_is_named_before_any_audio() -> None:
    with pytest.raises(ConfigError, match="plugin 'acme-clock' has no option 'speed'"):
        Host(listening({"speed": 2, **APART}))
    with pytest.raises(ConfigError, match="detector 'acme-clock' works at 16000 Hz but this stream is 8000"):
        Host(listening(APART, APART, stream={"rate": 8000}))


def test_processes_are_gone_when_the_host_closes_and_so_are_instances_when_streams_end() -> None:
    with Host(listening(APART, APART)) as host:
        pids = host.bus.pids
        assert len(pids) == 2
        assert {worker.plugin for worker in host.bus.workers()} == {"acme-clock", "ear"}
        play(host)
        assert not any(pool._taken.total() for pool in host._instance_pools.values())
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_description_says_again_what_it_was_made_of() -> None:
    description = listening(APART)
    assert msgspec.json.decode(msgspec.json.encode(description), type=PipelineConfig) == description


def test_the_dashboard_shows_their_processes_and_who_is_parked() -> None:
    with Host(listening(failing("die", *range(SECONDS)), APART)) as host:
        health = Health(host)
        _, account = ledger(host)
        rows = {row["role"]: row for row in health.report([account], 0.0)}
        assert len(rows["detector"]["workers"]) == len(rows["transcriber"]["workers"]) == 1
    assert (rows["detector"]["condition"], rows["detector"]["answered"]) == ("ok", SECONDS)
    assert (rows["transcriber"]["condition"], rows["transcriber"]["failed"]) == ("parked", SECONDS + 1)

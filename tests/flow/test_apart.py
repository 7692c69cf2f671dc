"""A transcriber or a detector with a process of its own: the same states, and faults that cost it alone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from stimmung.engine.config import Description
from stimmung.engine.errors import ConfigError, InputError
from stimmung.engine.guarded import MAX_FAILURES
from stimmung.engine.host import Host
from stimmung.engine.monitor.health import Health
from stimmung.engine.observer import Observer
from stimmung.engine.stream import Stream
from stimmung.engine.supervisor import Supervisor
from stimmung.engine.types import Chunk, EmotionState, Fault, Output, Prediction, Words
from support import RATE, acme, cut, every, syllables

SECONDS = 12
SPEECH = syllables(float(SECONDS))
# Half a second is missing in the sixth.
GAPPED = [
    Chunk(SPEECH[: 5 * RATE, np.newaxis], RATE, 0),
    Chunk(SPEECH[round(5.5 * RATE) :, np.newaxis], RATE, round(5.5 * RATE)),
]
BOUND_S = 60.0
APART: dict[str, Any] = {"transport": "ipc"}


def listening(
    transcript: dict[str, Any] | None = None, activity: dict[str, Any] | None = None, **changes: Any
) -> Description:
    """Arousal from audio, valence from what is said; voice activity and transcriber as told."""
    return acme(
        transcript={"plugin": "acme-clock", **(transcript or {})},
        activity={"plugin": "acme-clock", "name": "ear", "min_speech": 0.0, **(activity or {})},
        extractors=[{"plugin": "acme-spelling"}, {"plugin": "acme-loudness"}],
        classifiers=[{"plugin": "acme-loud"}, {"plugin": "acme-spelling", "name": "smile"}],
        **changes,
    )


def close(stream: Stream) -> list[Output]:
    outputs = list(stream.finish())
    assert stream.pipeline.ledger.settled
    assert stream.pipeline.in_flight == 0
    return outputs


def play(host: Host, chunks: Iterator[Chunk] | list[Chunk] | None = None, **told: Any) -> list[Output]:
    stream = host.stream("s", **told)
    outputs: list[Output] = []
    for chunk in chunks or cut(SPEECH, every(1600)):
        outputs += stream.push(chunk)
    return outputs + close(stream)


def ledger(host: Host, **told: Any) -> tuple[list[Output], dict[str, Any]]:
    stream, outputs = host.stream("s", **told), list[Output]()
    for chunk in cut(SPEECH, every(1600)):
        outputs += stream.push(chunk)
        answered(host, stream)
    outputs += close(stream)
    assert stream.pipeline.ledger.settled
    return outputs, stream.pipeline.ledger.record()


def supervisor(host: Host) -> Supervisor:
    bus: Any = getattr(host.bus, "_far", host.bus)
    found: Supervisor = bus.supervisor
    return found


def faults(outputs: list[Output]) -> list[Fault]:
    return [one for one in outputs if isinstance(one, Fault)]


def of(outputs: list[Output], target: str) -> list[Output]:
    kinds = EmotionState | Prediction
    return [one for one in outputs if isinstance(one, kinds) and one.target == target]


def seconds(outputs: list[Output], target: str = "valence") -> list[int]:
    return [one.span.stop // RATE for one in of(outputs, target) if isinstance(one, Prediction)]


def until(host: Host, done: Callable[[], bool], what: str) -> None:
    """Turns the bus until it is so; a minute is long enough for anything that happens at all."""
    stop_s = time.monotonic() + BOUND_S
    while not done():
        host.bus.pump(0.01)
        assert time.monotonic() < stop_s, f"waited {BOUND_S:g} s for {what}"


def answered(host: Host, stream: Any) -> None:
    """Turns the bus until nothing is asked of a plugin: what dies now takes no answer along."""
    until(host, lambda: not any(guarded.waiting for guarded in stream.pipeline._guards), "answers")


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

    def understood(self, stream: str, words: Words) -> None:
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


def failing(fault: str, *seconds: int) -> dict[str, Any]:
    return {"fault": fault, "seconds": list(seconds), **APART}


@pytest.mark.parametrize("live", [False, True], ids=["replayed", "live"])
@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        ("raise", "failed", "plugin 'acme-clock' failed, got RuntimeError: out of order; correct it in acme"),
        ("die", "failed", "plugin 'acme-clock' ended its worker in this call"),
        ("hang", "hung", "plugin 'acme-clock' did not answer hear within 0.5 s"),
    ],
)
def test_a_block_that_fails_is_the_only_one_lost(
    expected: list[Output], fault: str, reason: str, words: str, live: bool
) -> None:
    with Host(listening(failing(fault, 4), bus={"deadline_s": 0.5})) as host:
        outputs, account = ledger(host, live=live)
        assert bool(host.restarts) == (fault != "raise")
    told = faults(outputs)[-1]
    assert (told.span.start, told.span.stop, told.plugin) == (4 * RATE, 5 * RATE, "acme-clock")
    assert told.reason == reason
    assert told.error.startswith(words)
    assert seconds(outputs) == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    assert of(outputs, "arousal") == of(expected, "arousal")
    assert account["transcribe"]["dropped"] == {reason: 1}
    assert account["transcribe"]["processed"] == SECONDS


@pytest.mark.parametrize("fault", ["raise", "die"])
def test_a_failure_costs_in_a_process_what_it_costs_here(fault: str) -> None:
    with Host(listening({"fault": "raise", "seconds": [2, 7]})) as host:
        near = play(host)
    with Host(listening(failing(fault, 2, 7))) as host:
        far = play(host)
    for target in ("arousal", "valence"):
        assert of(far, target) == of(near, target)


@pytest.mark.parametrize("fault", ["die", "hang"])
def test_one_that_always_fails_is_parked_and_the_audio_goes_on(expected: list[Output], fault: str) -> None:
    with Host(listening(failing(fault, *range(SECONDS)), bus={"deadline_s": 0.2})) as host:
        outputs, account = ledger(host)
    assert seconds(outputs) == []
    assert of(outputs, "arousal") == of(expected, "arousal")
    assert faults(outputs)[-1].error.endswith("it is parked")
    dropped = account["transcribe"]["dropped"]
    assert dropped.pop("parked") == SECONDS + 1 - MAX_FAILURES
    assert sum(dropped.values()) == MAX_FAILURES


def test_kill_9_between_two_blocks_loses_none_and_the_fresh_one_is_told(expected: list[Output]) -> None:
    with Host(listening(APART, APART, bus={"transport": "ipc"})) as host:
        watched, outputs = supervisor(host), list[Output]()
        victims = {post.name: post for post in watched.posts if post.name in ("acme-clock", "ear")}
        stream = host.stream("s")
        for number, chunk in enumerate(cut(SPEECH, every(1600))):
            outputs += stream.push(chunk)
            if number in (35, 75):
                post = victims["acme-clock" if number == 35 else "ear"]
                identity = post.identity
                answered(host, stream)
                os.kill(watched.pid(identity), signal.SIGKILL)
                until(host, lambda p=post, i=identity: p.identity != i, f"the successor of {identity}")  # type: ignore[misc]
        outputs += close(stream)
        account = stream.pipeline.ledger.record()
        assert host.restarts == 2
    assert [(one.reason, one.span.stop // RATE) for one in faults(outputs)] == [
        ("restarted", 3),
        ("restarted", 7),
    ]
    assert seconds(outputs) == list(range(1, SECONDS + 1))
    assert all(not sum(edge["dropped"].values()) for edge in account.values())  # type: ignore[attr-defined]
    assert of(outputs, "arousal") == of(expected, "arousal")


def test_a_spare_takes_over_without_waiting_for_a_successor() -> None:
    with Host(listening({"spare": True, **APART})) as host:
        bus: Any = host.bus
        first, second = [identity.decode() for identity in bus._far._peers]  # as they came
        stream, outputs = host.stream("s"), list[Output]()
        for number, chunk in enumerate(cut(SPEECH, every(1600))):
            outputs += stream.push(chunk)
            if number == 35:
                answered(host, stream)
                os.kill(supervisor(host).pid(first), signal.SIGKILL)
                until(host, lambda: first.encode() not in bus._far._peers, "the end of the first")
                assert next(iter(bus._far._peers)) == second.encode()
        outputs += close(stream)
    assert [one.reason for one in faults(outputs)] == ["restarted"]
    assert seconds(outputs) == list(range(1, SECONDS + 1))


def test_a_spare_needs_a_process() -> None:
    with pytest.raises(ConfigError, match="has a spare but no process"):
        listening({"spare": True})


def test_one_that_leaks_is_replaced_before_it_takes_the_machine(expected: list[Output]) -> None:
    description = listening(failing("leak", *range(SECONDS)), bus={"memory_mb": 450})
    with Host(description) as host:
        for _ in range(10):
            outputs, account = ledger(host)
            assert of(outputs, "arousal") == of(expected, "arousal")
            assert account["transcribe"]["received"] == SECONDS + 1
            if host.restarts:
                break
        assert host.restarts


# While a recogniser is slow.


def test_neither_its_own_audio_nor_another_stream_waits_for_one_that_hangs_live(
    expected: list[Output],
) -> None:
    with Host(listening(failing("hang", 2), bus={"deadline_s": 3600.0, "queue": 4})) as host:
        streams = [host.stream(name, live=True) for name in "ab"]
        outputs: list[list[Output]] = [[], []]
        for chunk in cut(SPEECH, every(1600)):
            for stream, found in zip(streams, outputs, strict=True):
                found += stream.push(chunk)
        for found in outputs:
            assert len(of(found, "arousal")) == len(of(expected, "arousal"))
        assert all(stream.pipeline.ledger.edge("transcribe", "blocks").in_flight for stream in streams)
        post = next(post for post in supervisor(host).posts if post.name == "acme-clock")
        os.kill(supervisor(host).pid(post.identity), signal.SIGKILL)
        until(host, lambda: supervisor(host).restarts == 1, "the successor")
        for stream, found in zip(streams, outputs, strict=True):
            found += close(stream)
    late = [one for found in outputs for one in faults(found) if one.reason == "late"]
    assert late, "a full queue gives up its oldest, and says so"


def test_a_detector_that_hangs_keeps_its_own_stream_only_and_nothing_passes_for_silence(
    expected: list[Output],
) -> None:
    ear = {"fault": "hang", "blocks": [9], **APART}
    with Host(listening(activity=ear, bus={"deadline_s": 0.5})) as host:
        stream = host.stream("s", live=True)
        outputs: list[Output] = []
        for chunk in cut(SPEECH, every(1600)):
            outputs += stream.push(chunk)
        outputs += close(stream)
        account = stream.pipeline.ledger.record()
    assert account["detect"]["dropped"] == {"hung": 1}
    assert [(one.reason, one.span.stop // RATE) for one in faults(outputs)] == [("hung", 10)]
    assert [one.span for one in of(outputs, "arousal")] == [one.span for one in of(expected, "arousal")]


def test_a_detector_that_dies_in_every_block_is_parked_and_all_is_taken_for_speech() -> None:
    with Host(listening(activity={"fault": "die", "blocks": [0], **APART})) as host:
        outputs, account = ledger(host)
    assert account["detect"]["dropped"] == {"failed": MAX_FAILURES, "parked": SECONDS - MAX_FAILURES}
    assert len([one for one in of(outputs, "arousal") if isinstance(one, EmotionState)]) == SECONDS


# What is refused, and what is left behind.


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
        assert not any(seats._taken.total() for seats in host._seats.values())
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_description_says_again_what_it_was_made_of() -> None:
    description = listening(APART)
    assert msgspec.json.decode(msgspec.json.encode(description), type=Description) == description


def test_the_dashboard_shows_their_processes_and_who_is_parked() -> None:
    with Host(listening(failing("die", *range(SECONDS)), APART)) as host:
        health = Health(host)
        _, account = ledger(host)
        rows = {row["role"]: row for row in health.report([account], 0.0)}
        assert len(rows["detector"]["workers"]) == len(rows["transcriber"]["workers"]) == 1
    assert (rows["detector"]["condition"], rows["detector"]["answered"]) == ("ok", SECONDS)
    assert (rows["transcriber"]["condition"], rows["transcriber"]["failed"]) == ("parked", SECONDS + 1)

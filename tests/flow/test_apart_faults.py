"""Faults of a transcriber or a detector with a process of its own cost it alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from hearing import (
    APART,
    SECONDS,
    SPEECH,
    answered,
    close,
    failing,
    faults,
    ledger,
    listening,
    of,
    play,
    seconds,
    supervisor,
)
from stimmung.engine.calls.bus import Job
from stimmung.engine.calls.stateful import InstanceRequest
from stimmung.engine.errors import ConfigError
from stimmung.engine.runtime.host import Host
from stimmung.engine.streaming.circuit_breaker import MAX_FAILURES
from stimmung.engine.types import EmotionState, Output
from support import RATE, cut, deadline_in, every, until


@pytest.fixture(scope="module")
def expected() -> list[Output]:
    with Host(listening()) as host:
        return play(host)


def asked_of(plugin: str, *seconds: int) -> Callable[[Job], bool]:
    """Whether a question is the one to this plugin about the audio of these seconds."""

    def told(job: Job) -> bool:
        if (
            not isinstance(job, InstanceRequest)
            or job.plugin != plugin
            or job.method not in ("hear", "detect")
        ):
            return False
        return job.request.span.start // RATE in seconds

    return told


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
    expected: list[Output], fault: str, reason: str, words: str, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline_in(monkeypatch, asked_of("acme-clock", *([4] if fault == "hang" else [])))
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
def test_one_that_always_fails_is_parked_and_the_audio_goes_on(
    expected: list[Output], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline_in(monkeypatch, asked_of("acme-clock", *(range(SECONDS) if fault == "hang" else [])))
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
        victims = {slot.name: slot for slot in watched.slots if slot.name in ("acme-clock", "ear")}
        stream = host.stream("s")
        for number, chunk in enumerate(cut(SPEECH, every(1600))):
            outputs += stream.push(chunk)
            if number in (35, 75):
                slot = victims["acme-clock" if number == 35 else "ear"]
                identity = slot.identity
                answered(host, stream)
                os.kill(watched.pid(identity), signal.SIGKILL)
                until(host, lambda p=slot, i=identity: p.identity != i, f"the successor of {identity}")  # type: ignore[misc]
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
        first, second = [identity.decode() for identity in bus._far._connections]  # as they came
        stream, outputs = host.stream("s"), list[Output]()
        for number, chunk in enumerate(cut(SPEECH, every(1600))):
            outputs += stream.push(chunk)
            if number == 35:
                answered(host, stream)
                os.kill(supervisor(host).pid(first), signal.SIGKILL)
                until(host, lambda: first.encode() not in bus._far._connections, "the end of the first")
                assert next(iter(bus._far._connections)) == second.encode()
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
        # One after the other: the block it hangs in is handed to the worker before the queue is full.
        for stream, found in zip(streams, outputs, strict=True):
            for chunk in cut(SPEECH, every(1600)):
                found += stream.push(chunk)
            assert len(of(found, "arousal")) == len(of(expected, "arousal"))
        first, second = (stream.pipeline.ledger.edge("transcribe", "blocks") for stream in streams)
        until(host, lambda: first.processed == 2, "the blocks before the one it hangs in")
        assert first.in_flight
        assert second.in_flight
        slot = next(slot for slot in supervisor(host).slots if slot.name == "acme-clock")
        os.kill(supervisor(host).pid(slot.identity), signal.SIGKILL)
        until(host, lambda: supervisor(host).restarts == 1, "the successor")
        for stream, found in zip(streams, outputs, strict=True):
            found += close(stream)
    late = [one for found in outputs for one in faults(found) if one.reason == "late"]
    assert late, "a full queue gives up its oldest, and says so"


def test_a_detector_that_hangs_keeps_its_own_stream_only_and_nothing_passes_for_silence(
    expected: list[Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline_in(monkeypatch, asked_of("ear", 9))
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

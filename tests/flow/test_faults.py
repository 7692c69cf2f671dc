"""Whatever a plugin does, its segments are accounted for and nobody else's are touched."""

from __future__ import annotations

import os
import signal
from typing import Any

import numpy as np
import pytest
from stimmung.engine.calls.call import Call
from stimmung.engine.errors import ConfigError, ModelError, PluginError, StimmungError
from stimmung.engine.runtime.host import Host
from stimmung.engine.transport.zmq_bus import ZmqBus
from stimmung.engine.types import EmotionState, Fault, Output, Segment, Span, Status
from support import RATE, acme, cut, every, syllables

QUIET = syllables(20.0) * np.float32(0.3)
# One click, heard by the windows that end at 8, 9, 10, 11 and 12 s.
CLICK = QUIET.copy()
CLICK[round(7.5 * RATE)] = 0.95


def faulty(fault: str, **changes: Any) -> Any:
    extractors = [
        {"plugin": "acme-loudness"},
        {"plugin": "acme-faulty", "fault": fault, "above": 0.9},
    ]
    activity = {"plugin": "acme-speaker", "above": 0.0}
    return acme(extractors=extractors, classifiers=[{"plugin": "acme-loud"}], activity=activity, **changes)


def play(host: Host) -> tuple[list[Output], dict[str, dict[str, Any]]]:
    stream = host.stream("s")
    outputs = list(stream.play(cut(CLICK, every(1600))))
    assert stream.pipeline.ledger.settled
    return outputs, stream.pipeline.ledger.record()


@pytest.mark.parametrize("bus", ["local", "ipc"])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("raise", "plugin 'acme-faulty' failed in extract, got ValueError: too loud for me"),
        ("nan", "plugin 'acme-faulty' returned NaN or infinite numbers from extract"),
        (
            "shape",
            "returned a wrong result from extract, got shape (1, 1), expected an array of shape (1, 2)",
        ),
        ("list", "returned a wrong result from extract, got list"),
        ("write", "got ValueError: assignment destination is read-only"),
    ],
)
def test_a_failing_plugin_loses_its_own_segments_only(bus: str, fault: str, words: str) -> None:
    with Host(faulty(fault, bus={"transport": bus})) as host:
        outputs, ledger = play(host)
    faults = [output for output in outputs if isinstance(output, Fault)]
    assert [f.span.stop for f in faults] == [stop * RATE for stop in range(8, 13)]
    assert all(words in f.error for f in faults)
    assert ledger["extract acme-faulty"]["dropped"] == {"failed": 5}
    assert ledger["extract acme-loudness"]["dropped"] == {}
    states = [output for output in outputs if isinstance(output, EmotionState)]
    assert [state.span.stop for state in states] == [stop * RATE for stop in range(1, 21)]


def test_a_segment_that_kills_every_worker_is_given_up_and_the_stream_goes_on() -> None:
    with Host(faulty("die", bus={"transport": "ipc"})) as host:
        outputs, ledger = play(host)
        assert host.restarts >= 3
    faults = [output for output in outputs if isinstance(output, Fault)]
    assert faults
    assert ledger["extract acme-faulty"]["dropped"] == {"failed": len(faults)}
    assert any("ended its worker 3 times on the same call" in fault.error for fault in faults)
    states = [output for output in outputs if isinstance(output, EmotionState)]
    assert [state.span.stop for state in states] == [stop * RATE for stop in range(1, 21)]


def test_a_plugin_that_keeps_dying_is_parked_and_the_stream_goes_on() -> None:
    extractors = [{"plugin": "acme-loudness"}, {"plugin": "acme-faulty", "fault": "die", "above": -1.0}]
    description = acme(extractors=extractors, classifiers=[{"plugin": "acme-loud"}], bus={"transport": "ipc"})
    with Host(description) as host:
        stream = host.stream("s")
        outputs = list(stream.play(cut(syllables(8.0), every(1600))))
        assert host.restarts == 4
    errors = [output.error for output in outputs if isinstance(output, Fault)]
    assert "plugin 'acme-faulty' keeps dying and is parked" in errors
    assert stream.pipeline.ledger.settled
    assert sum(isinstance(output, EmotionState) for output in outputs) == 8


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_of_any_worker_in_the_middle_changes_nothing(
    workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    speech = syllables(30.0)
    with Host(acme()) as undisturbed:
        expected = list(undisturbed.stream("s").play(cut(speech, every(1600))))
    with Host(acme(bus={"transport": "ipc", "workers": workers})) as host:
        assert isinstance(host.bus, ZmqBus)
        stream, outputs, killed = host.stream("s"), [], 0
        for number, chunk in enumerate(cut(speech, every(1600))):
            outputs += stream.push(chunk)
            if number % 60 == 30:
                slot = host.bus.supervisor.slots[killed % len(host.bus.supervisor.slots)]
                identity = slot.identity
                os.kill(host.bus.supervisor.pid(identity), signal.SIGKILL)
                while slot.identity == identity:  # else a busy machine kills the same one twice
                    host.bus.pump(0.01)
                killed += 1
        outputs += stream.finish()
        assert outputs == expected
        assert host.restarts == killed > 3
        assert stream.pipeline.ledger.settled
    restarts = [r for r in caplog.records if "restarted as process" in r.getMessage()]
    assert len(restarts) == killed


def test_silence_is_no_speech_and_costs_no_classification() -> None:
    silence = np.zeros(12 * RATE, np.float32)
    with Host(acme()) as host:
        stream = host.stream("s")
        outputs = list(stream.play(cut(silence, every(1600))))
    assert {o.status for o in outputs if isinstance(o, EmotionState)} == {Status.NO_SPEECH}
    assert len(outputs) == 2 * 12
    assert "predict acme-loud" not in stream.pipeline.ledger.record()


def test_a_full_queue_gives_up_the_oldest_calls_and_counts_them() -> None:
    description = acme(bus={"transport": "ipc", "queue": 2, "policy": "drop-oldest"})
    with Host(description) as host:
        assert isinstance(host.bus, ZmqBus)
        late: list[str] = []
        samples = np.zeros(RATE, np.float32)
        for index in range(50):
            segment = Segment("s", index, Span(0, RATE, RATE), samples)
            call = Call("acme-level", "extract", segment=segment)
            host.bus.submit(call, lambda answer: late.append(answer.reason))
        while len(late) < 50:
            host.bus.pump(0.1)
        assert set(late) == {"", "late"}
        stream = host.stream("s")
        outputs = [o for chunk in cut(CLICK, every(len(CLICK))) for o in stream.push(chunk)]
        outputs += stream.finish()
        ledger = stream.pipeline.ledger
        assert ledger.settled
        faults = [output for output in outputs if isinstance(output, Fault)]
        dropped = sum(sum(edge["dropped"].values()) for edge in ledger.record().values())  # type: ignore[attr-defined]
        assert faults
        assert dropped >= len(faults)


@pytest.mark.parametrize("bus", ["local", "inproc", "ipc"])
@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        (
            {"extractors": [{"plugin": "acme-faulty", "fault": "build"}], "classifiers": []},
            PluginError,
            "plugin 'acme-faulty' of acme-speech 1.0 cannot be built, got RuntimeError: no licence found",
        ),
        (
            {"extractors": [{"plugin": "acme-nobody"}]},
            ConfigError,
            "no extractor plugin is called 'acme-nobody'",
        ),
        (
            {"stream": {"rate": 8000}, "activity": {"plugin": "webrtc"}},
            StimmungError,
            "at 16000 Hz but this stream is 8000 Hz",
        ),
        (
            {"extractors": [{"plugin": "acme-level"}]},
            ModelError,
            "was trained on 'acme-loudness', which this pipeline does not extract, got acme-level",
        ),
        (
            {"classifiers": [{"plugin": "acme-loud", "dim": 4}]},
            ModelError,
            "does not fit extractor 'acme-loudness', got 3 features, version 1, expected 4 features",
        ),
        ({"segments": {"shortest_s": 0.01, "hop_s": 0.01}}, ConfigError, "holds no descriptor row"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_audio(
    bus: str, changes: dict[str, Any], error: type[StimmungError], words: str
) -> None:
    with pytest.raises(error) as caught:
        Host(acme(**changes, bus={"transport": bus}))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)

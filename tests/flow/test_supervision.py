"""A plugin that hangs, leaks, floods or prints is ended and started again; the others never notice."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq
from stimmung.engine.calls.bus import Job
from stimmung.engine.calls.call import Call
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.runtime.host import Host
from stimmung.engine.transport import zmq_bus
from stimmung.engine.transport.zmq_bus import MAX_STRAYS, ZmqBus
from stimmung.engine.types import EmotionState, Fault, Output
from stimmung.plugins.sink.pub import HIGH_WATER_MARK, Publisher
from support import RATE, acme, cut, deadline_in, every, syllables

SECONDS = 12
SPEECH = syllables(float(SECONDS)) * np.float32(0.3)
CLICK = SPEECH.copy()
CLICK[round(4.5 * RATE)] = 0.95  # heard by the window that ends at 5 s


def beside(other: dict[str, Any], **bus: Any) -> PipelineConfig:
    """A sound classifier and its extractor, and beside them an extractor that nobody needs."""
    return acme(
        extractors=[{"plugin": "acme-loudness"}, other],
        classifiers=[{"plugin": "acme-loud"}],
        activity={"plugin": "acme-speaker", "above": 0.0},
        segments={"window_s": 1.0},
        bus={"transport": "ipc", **bus},
    )


def faulty(fault: str, above: float = 0.9) -> dict[str, Any]:
    return {"plugin": "acme-faulty", "fault": fault, "above": above}


def loud(above: float = 0.9) -> Callable[[Job], bool]:
    """Whether a call is one in which an extractor of :func:`faulty` does what it should not."""

    def told(call: Job) -> bool:
        if not isinstance(call, Call) or call.plugin != "acme-faulty" or call.segment is None:
            return False
        return bool(np.abs(call.segment.samples).max() > above)

    return told


def states(outputs: list[Output]) -> list[EmotionState]:
    return [output for output in outputs if isinstance(output, EmotionState)]


def play(host: Host, *, live: bool = False) -> tuple[list[Output], dict[str, dict[str, Any]]]:
    stream = host.stream("s", live=live)
    outputs = list(stream.play(cut(CLICK, every(1600))))
    assert stream.pipeline.ledger.settled
    assert stream.pipeline.in_flight == 0
    return outputs, stream.pipeline.ledger.record()


@pytest.fixture(scope="module")
def expected() -> list[EmotionState]:
    with Host(beside({"plugin": "acme-level"})) as host:
        return states(play(host)[0])


def test_a_call_that_hangs_is_given_up_with_its_process_and_no_other(
    expected: list[EmotionState], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline_in(monkeypatch, loud())
    with Host(beside(faulty("hang"), deadline_s=0.3)) as host:
        outputs, ledger = play(host)
        assert host.restarts == 1
    (fault,) = [output for output in outputs if isinstance(output, Fault)]
    assert (fault.reason, fault.span.stop) == ("hung", 5 * RATE)
    assert fault.error == "plugin 'acme-faulty' did not answer extract within 0.3 s"
    assert ledger["extract acme-faulty"]["dropped"] == {"hung": 1}
    assert ledger["extract acme-faulty"]["processed"] == SECONDS - 1
    assert states(outputs) == expected


def test_a_thread_that_hangs_is_left_behind(
    expected: list[EmotionState], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline_in(monkeypatch, loud())
    with Host(beside(faulty("hang"), transport="inproc", deadline_s=0.3)) as host:
        outputs, ledger = play(host)
    faults = [output for output in outputs if isinstance(output, Fault)]
    assert faults[0].reason == "hung"
    assert faults[-1].error == "plugin 'acme-faulty' hangs in an earlier call"
    assert ledger["extract acme-faulty"]["dropped"] == {"failed": SECONDS - 5, "hung": 1}
    assert states(outputs) == expected


def test_a_plugin_that_hangs_in_every_call_is_parked_and_the_stream_goes_on(
    expected: list[EmotionState], monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline_in(monkeypatch, loud(-1.0))
    with Host(beside(faulty("hang", above=-1.0), deadline_s=0.1)) as host:
        outputs, ledger = play(host)
        assert isinstance(host.bus, ZmqBus)
        assert host.bus.supervisor.parked("acme-faulty")
    assert ledger["extract acme-faulty"]["dropped"] == {"failed": SECONDS - 5, "hung": 5}
    assert states(outputs) == expected


def test_live_states_do_not_wait_for_a_plugin_that_hangs(expected: list[EmotionState]) -> None:
    with Host(beside(faulty("hang"), deadline_s=60.0)) as host:
        stream = host.stream("s", live=True)
        outputs: list[Output] = []
        for chunk in cut(CLICK, every(1600)):
            outputs += stream.push(chunk)
        while len(states(outputs)) < SECONDS:
            outputs += stream.pipeline.pump(0.1)
        assert states(outputs) == expected
        assert stream.pipeline.in_flight > 0, "the plugin still hangs"


def test_a_plugin_that_leaks_is_started_again_before_it_takes_the_machine(
    expected: list[EmotionState],
) -> None:
    with Host(beside(faulty("leak", above=-1.0), memory_mb=450)) as host:
        assert isinstance(host.bus, ZmqBus)
        while host.restarts < 1:
            outputs, ledger = play(host)
            assert states(outputs) == expected
            assert ledger["extract acme-faulty"]["processed"] == SECONDS
            for _ in host.bus.supervisor.above(450):
                host.bus.pump(0.1)


def test_what_a_plugin_prints_is_no_result(capfd: pytest.CaptureFixture[str]) -> None:
    with Host(beside(faulty("print", above=-1.0))) as host:
        play(host)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "noise" in printed.err


PROGRAM = """
    import json, os, sys, time
    import msgspec, numpy as np, zmq

    fault, endpoint, identity, parent, assignment = sys.argv[1:]
    if fault == "mute" and not identity.endswith(".0"):
        time.sleep(600)
    socket = zmq.Context().socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, identity.encode())
    socket.setsockopt(zmq.SNDHWM, 100)
    socket.connect(endpoint)
    name = json.loads(assignment)["table"]["name"]
    facts = dict(kind="extractor", name=name, rate=16000, version="1", dim=2)
    send = lambda kind, *frames, **header: socket.send_multipart(
        [kind, msgspec.msgpack.encode(header), *frames])
    send(b"hello", facts=facts, credit=4, pid=os.getpid())
    while fault == "garbage":
        socket.send_multipart([os.urandom(8), os.urandom(64)])
    while fault == "unasked":
        send(b"result", np.zeros(2, "<f4").tobytes(), ticket=1 << 40, shapes=[[2]])
    while True:
        kind, header, *_ = socket.recv_multipart()
        if kind == b"stop" or fault == "mute":
            break
        ticket = msgspec.msgpack.decode(header)["ticket"]
        values = np.full(3 if fault == "shape" else 2, np.nan if fault == "nan" else 0, "<f4")
        send(b"result", values.tobytes(), ticket=ticket, shapes=[[len(values)]])
"""


def program(folder: Path, fault: str) -> dict[str, Any]:
    path = folder / "program.py"
    path.write_text(textwrap.dedent(PROGRAM))
    return {"plugin": "flooding", "command": [sys.executable, str(path), fault]}


@pytest.mark.parametrize("fault", ["garbage", "unasked"])
def test_a_program_that_floods_is_ended_and_parked(
    fault: str, tmp_path: Path, expected: list[EmotionState]
) -> None:
    with Host(beside(program(tmp_path, fault))) as host:
        assert isinstance(host.bus, ZmqBus)
        outputs, ledger = play(host)
        assert states(outputs) == expected
        assert host.bus._strays.total() >= MAX_STRAYS
        assert host.restarts > 0
    lost = ledger["extract flooding"]
    assert lost["processed"] + lost["dropped"].get("failed", 0) == SECONDS


def test_a_program_that_never_says_hello_again_is_parked(
    tmp_path: Path, expected: list[EmotionState], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Host(beside(program(tmp_path, "mute"))) as host:
        monkeypatch.setattr(zmq_bus, "START_S", 0.2)
        outputs, ledger = play(host)
    assert states(outputs) == expected
    assert ledger["extract flooding"]["dropped"] == {"failed": SECONDS}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("nan", "plugin 'flooding' sent NaN or infinite numbers for extract"),
        ("shape", "plugin 'flooding' sent shape (3,) for extract, expected (2,)"),
    ],
)
def test_a_program_that_answers_nonsense_loses_its_own_segments(
    fault: str, words: str, tmp_path: Path, expected: list[EmotionState]
) -> None:
    with Host(beside(program(tmp_path, fault))) as host:
        outputs, ledger = play(host)
    assert [output.error for output in outputs if isinstance(output, Fault)] == [words] * SECONDS
    assert ledger["extract flooding"]["dropped"] == {"failed": SECONDS}
    assert states(outputs) == expected


def test_a_subscriber_that_never_reads_costs_the_stream_nothing(expected: list[EmotionState]) -> None:
    publisher = Publisher("tcp://127.0.0.1:*")
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.RCVHWM, 1)
    socket.setsockopt(zmq.SUBSCRIBE, b"")
    socket.connect(publisher.endpoint)
    try:
        with Host(beside({"plugin": "acme-level"})) as host:
            outputs, _ = play(host)
            for output in states(outputs) * (4 * HIGH_WATER_MARK // SECONDS):
                publisher.write(output)
            assert states(play(host)[0]) == expected
    finally:
        socket.close(linger=0)
        context.term()
        publisher.close()


def test_workers_are_gone_when_the_host_closes_whatever_they_do() -> None:
    with Host(beside(faulty("hang"), deadline_s=60.0)) as host:
        stream = host.stream("s", live=True)
        for chunk in cut(CLICK, every(1600)):
            list(stream.push(chunk))
        pids = host.bus.pids
    assert len(pids) == 3
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]

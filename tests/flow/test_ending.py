"""A live stream that ends: what it waits for holds no other stream up, and a stop is not held up by it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.errors import StimmungError
from stimmung.engine.plugin import Feed
from stimmung.engine.runtime.host import Host
from stimmung.engine.runtime.live import Live
from stimmung.engine.streaming.info import StreamInfo
from stimmung.engine.streaming.observer import Observer
from stimmung.engine.transport.zmq_bus import ZmqBus
from stimmung.engine.types import Chunk, EmotionState, Fault, Output
from support import RATE, acme, cut, every, syllables

SECONDS = 12
QUIET = syllables(float(SECONDS)) * np.float32(0.3)
CLICK = QUIET[: 5 * RATE].copy()
CLICK[round(4.5 * RATE)] = 0.95  # heard by the window that ends last
IPC = {"transport": "ipc"}


def beside(above: float, **bus: Any) -> PipelineConfig:
    """A classifier of sound, and beside it an extractor nobody needs that hangs in what is louder."""
    return acme(
        extractors=[
            {"plugin": "acme-loudness"},
            {"plugin": "acme-faulty", "fault": "hang", "above": above},
        ],
        classifiers=[{"plugin": "acme-loud"}],
        activity={"plugin": "acme-speaker", "above": 0.0},
        segments={"window_s": 1.0},
        bus={**IPC, **bus},
    )


class Told(Observer):
    """Keeps what it is told, in order."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.order: list[str] = []
        self.accounts: dict[str, dict[str, dict[str, Any]]] = {}

    def emitted(self, output: Output) -> None:
        self.outputs.append(output)
        if isinstance(output, EmotionState):
            self.order.append(f"state {output.stream}")

    def ended(self, stream: StreamInfo, error: StimmungError | None) -> None:
        name = stream.name
        assert error is None
        assert stream.ledger.settled
        self.order.append(f"ended {name}")
        self.accounts[name] = msgspec.convert(stream.ledger.record(), dict[str, dict[str, Any]])

    def states(self, stream: str) -> list[EmotionState]:
        return [one for one in self.outputs if isinstance(one, EmotionState) and one.stream == stream]


class Voices:
    """A source of live feeds that are given to it."""

    name, live = "voices", True

    def __init__(self, *feeds: Feed) -> None:
        self._feeds = feeds

    def feeds(self) -> Iterator[Feed]:
        yield from self._feeds


def alone(name: str, samples: Any) -> list[Output]:
    with Host(beside(1.0)) as host:
        return list(host.stream(name).play(cut(samples, every(1600))))


def states(outputs: list[Output]) -> list[EmotionState]:
    return [one for one in outputs if isinstance(one, EmotionState)]


def test_the_states_of_others_keep_coming_while_a_stream_that_has_ended_waits_for_a_plugin_that_hangs() -> (
    None
):
    silent = threading.Event()

    def first() -> Iterator[Chunk]:
        yield from cut(CLICK, every(1600))
        silent.set()

    def second() -> Iterator[Chunk]:
        silent.wait()
        yield from cut(QUIET, every(1600))

    class Patient(Told):
        """Lets the plugin hang until the second stream has said everything."""

        def emitted(self, output: Output) -> None:
            super().emitted(output)
            if len(self.states("second")) == SECONDS:
                assert isinstance(host.bus, ZmqBus)
                host.bus._table = msgspec.structs.replace(host.bus._table, deadline_s=2.0)

    told = Patient()
    with Host(beside(0.9, deadline_s=120.0)) as host:
        assert Live(host, [told]).run([Voices(Feed("first", first()), Feed("second", second()))]) == 1
    assert told.order.index("ended first") > max(
        at for at, what in enumerate(told.order) if what == "state second"
    )
    assert told.states("second") == states(alone("second", QUIET))
    assert told.states("first") == states(alone("first", CLICK))
    assert told.accounts["first"]["extract acme-faulty"]["dropped"] == {"hung": 1}
    assert sorted(told.accounts) == ["first", "second"]


def test_a_stop_flushes_the_tail_and_gives_up_what_hangs() -> None:
    class Stops(Told):
        def emitted(self, output: Output) -> None:
            super().emitted(output)
            if len(self.states("endless")) == SECONDS:
                live.stop()

    def endless() -> Iterator[Chunk]:
        while True:
            yield from cut(QUIET, every(1600))

    told = Stops()
    with Host(beside(-1.0, deadline_s=3.0)) as host:
        live = Live(host, [told])
        live.run([Voices(Feed("endless", endless()))])
    account = told.accounts["endless"]
    heard = account["extract acme-loudness"]
    assert heard["received"] == heard["processed"] == len(told.states("endless")) >= SECONDS
    assert account["extract acme-faulty"]["dropped"]["late"] > 0
    late = [one for one in told.outputs if isinstance(one, Fault) and one.reason == "late"]
    assert {one.error for one in late} == {"the stream was ended before it was answered"}


@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
@pytest.mark.parametrize(
    ("role", "edge"),
    [
        ({"transcript": {"plugin": "acme-clock", "fault": "hang", "seconds": [4], **IPC}}, "transcribe"),
        ({"activity": {"plugin": "acme-clock", "fault": "hang", "blocks": [4], **IPC}}, "detect"),
    ],
    ids=["transcriber", "detector"],
)
def test_a_detector_or_transcriber_that_hangs_is_given_up_and_every_window_is_accounted_for(
    role: dict[str, Any], edge: str, live: bool
) -> None:
    description = acme(
        **{"activity": None, **role},
        extractors=[{"plugin": "acme-loudness"}],
        classifiers=[{"plugin": "acme-loud"}],
        bus={"deadline_s": 3600.0},
    )
    with Host(description) as host:
        stream, outputs = host.stream("s", live=live), list[Output]()
        if not live:  # it waits as it hears
            stream.pipeline.give_up_at(time.monotonic() + 1.0)
        for chunk in cut(QUIET, every(1600)):
            outputs += stream.push(chunk)
        stream.pipeline.give_up_at(time.monotonic())
        outputs += stream.finish()
        assert not any(pool._taken.total() for pool in host._instance_pools.values())
    assert stream.pipeline.ledger.settled
    assert stream.pipeline.in_flight == 0
    account: Any = stream.pipeline.ledger.record()
    assert account[edge]["dropped"].keys() == {"late"}
    assert account["vote acme-loud"]["received"] == SECONDS
    said = [one.span.stop // RATE for one in states(outputs)]
    if live and edge == "transcribe":
        assert said == [*range(1, SECONDS + 1)]
    else:  # whose windows were known only after that
        assert len(said) + account["describe acme-loudness"]["dropped"]["late"] >= SECONDS

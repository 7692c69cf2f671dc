"""Streams side by side: each with a state of its own, one's end is nobody else's, tails are flushed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from stimmung.engine.errors import InputError, StimmungError
from stimmung.engine.plugin import Feed
from stimmung.engine.runtime.host import Host
from stimmung.engine.runtime.live import Live
from stimmung.engine.streaming.info import StreamInfo
from stimmung.engine.streaming.observer import Observer
from stimmung.engine.types import Chunk, EmotionState, Output
from support import acme, cut, every, syllables


class Told(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.outputs: dict[str, list[Output]] = {}
        self.ends: dict[str, StimmungError | None] = {}
        self.settled = True
        self.order: list[str] = []

    def began(self, feed: Feed, stream: StreamInfo) -> None:
        self.outputs[feed.stream] = []
        self.order.append(f"began {feed.stream}")

    def emitted(self, output: Output) -> None:
        self.outputs[output.stream].append(output)

    def ended(self, stream: StreamInfo, error: StimmungError | None) -> None:
        self.ends[stream.name] = error
        self.settled &= stream.ledger.settled
        self.order.append(f"ended {stream.name}")


class Voices:
    """A source of feeds that are given to it."""

    name = "voices"

    def __init__(self, feeds: list[Feed], *, live: bool = False) -> None:
        self._feeds, self.live, self.closed = feeds, live, False

    def feeds(self) -> Iterator[Feed]:
        yield from self._feeds

    def close(self) -> None:
        self.closed = True


def voice(name: str, seed: int, seconds: float = 8.0) -> Feed:
    return Feed(name, cut(syllables(seconds, seed), every(1600)))


def of(outputs: list[Output], target: str) -> list[Output]:
    """What is said of one target; live, none waits for another."""
    return [output for output in outputs if getattr(output, "target", "") == target]


def alone(feed: Feed) -> list[Output]:
    with Host(acme()) as host:
        return list(host.stream(feed.stream).play(feed.chunks))


@pytest.mark.parametrize("transport", ["local", "ipc"])
def test_streams_side_by_side_are_what_each_is_alone(transport: str) -> None:
    told, names = Told(), [f"voice {n}" for n in range(4)]
    source = Voices([voice(name, seed) for seed, name in enumerate(names)], live=True)
    with Host(acme(bus={"transport": transport})) as host:
        assert Live(host, [told]).run([source]) == 0
    for seed, name in enumerate(names):
        expected = alone(voice(name, seed))
        for target in ("arousal", "power"):
            assert of(told.outputs[name], target) == of(expected, target)
        assert len(told.outputs[name]) == len(expected)
    assert told.settled
    assert source.closed


def test_feeds_of_a_source_follow_each_other_unless_it_says_otherwise() -> None:
    told = Told()
    with Host(acme()) as host:
        Live(host, [told]).run([Voices([voice("a", 1), voice("b", 2)])])
    assert told.order == ["began a", "ended a", "began b", "ended b"]


def test_two_streams_of_one_name_are_told_apart() -> None:
    told = Told()
    with Host(acme()) as host:
        Live(host, [told]).run([Voices([voice("a", 1), voice("a", 2)], live=True)])
    assert set(told.outputs) == {"a", "a (2)"}


def test_a_stream_whose_audio_is_unfit_ends_alone() -> None:
    def broken() -> Iterator[Chunk]:
        yield from cut(syllables(3.0, 1), every(1600))
        yield Chunk(np.full((10, 1), np.nan, np.float32), 16000)

    told = Told()
    with Host(acme()) as host:
        failures = Live(host, [told]).run(
            [Voices([Feed("bad", broken()), voice("good", 2)], live=True)],
        )
    assert failures == 1
    assert isinstance(told.ends["bad"], InputError)
    assert told.outputs["bad"]
    assert told.ends["good"] is None
    assert told.outputs["good"] == alone(voice("good", 2))
    assert told.settled


def test_a_source_that_raises_ends_the_run_with_its_name() -> None:
    class Torn(Voices):
        def feeds(self) -> Iterator[Feed]:
            yield from super().feeds()
            raise RuntimeError("no such device")

    told = Told()
    with Host(acme()) as host, pytest.raises(StimmungError, match=r"voices failed.*no such device"):
        Live(host, [told]).run([Torn([voice("a", 1)])])
    assert told.ends == {"a": None}


def test_stopping_cuts_the_tail_of_every_stream() -> None:
    reached = threading.Event()

    class Stops(Told):
        def emitted(self, output: Output) -> None:
            super().emitted(output)
            if isinstance(output, EmotionState) and output.span.stop >= 5 * 16000:
                live.stop()
                reached.set()

    def endless() -> Iterator[Chunk]:
        while True:
            yield from cut(syllables(8.0, 1), every(700))

    told = Stops()
    with Host(acme()) as host:
        live = Live(host, [told])
        assert live.run([Voices([Feed("endless", endless())])]) == 0
    assert reached.is_set()
    assert told.ends == {"endless": None}
    assert told.settled

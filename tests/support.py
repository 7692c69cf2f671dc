"""What the tests share: an outside package of plugins on the path, and synthetic speech."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from stimmung.engine.calls.bus import Job
from stimmung.engine.config.schema import PipelineConfig, describe
from stimmung.engine.models.cards import Card, CardInput, TrainedOn
from stimmung.engine.runtime.host import Host
from stimmung.engine.transport.zmq_bus import ZmqBus
from stimmung.engine.types import Chunk, Floats, Output

ACME = str(Path(__file__).parent / "third_party" / "acme_speech")

# Installed for this process and for every worker it starts.
sys.path.append(ACME)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [ACME, os.environ.get("PYTHONPATH")]))

RATE = 16000
BOUND_S = 60.0


def syllables(seconds: float, seed: int = 0) -> Floats:
    """Something like speech, (n,) at 16 kHz: a buzzing voice in bursts of wandering level."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE)) / RATE
    pitch_hz = 120 + 20 * np.sin(2 * np.pi * 0.7 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE
    voice = sum(np.sin(n * phase) / n for n in range(1, 12))
    syllable = np.clip(np.sin(2 * np.pi * 3 * time_s), 0, None)
    level_db = -30 + 20 * np.sin(2 * np.pi * time_s / 7 + seed)
    noise = random.normal(0, 1e-4, len(time_s))
    return (0.3 * voice * syllable * 10 ** (level_db / 20) + noise).astype(np.float32)


def cut(samples: Floats, sizes: Iterator[int], rate: int = RATE) -> Iterator[Chunk]:
    """The samples as chunks of the given sizes."""
    start = 0
    while start < len(samples):
        stop = start + next(sizes)
        yield Chunk(samples[start:stop, np.newaxis], rate)
        start = stop


def every(size: int) -> Iterator[int]:
    """One size for ever."""
    while True:
        yield size


def acme(**changes: object) -> PipelineConfig:
    """A pipeline of the outside package's plugins: two extractors, two targets, voice activity."""
    tables: dict[str, object] = {
        "activity": {"plugin": "acme-speaker", "min_speech": 0.1},
        "extractors": [{"plugin": "acme-loudness"}, {"plugin": "acme-level"}],
        "classifiers": [
            {"plugin": "acme-loud", "level": True},
            {"plugin": "acme-loud", "name": "second", "target": "power"},
        ],
        "vote": {"span_s": 8.0},
    }
    return describe({**tables, **changes}, "the test")


def captions(*, last_s: int) -> str:
    """SubRip captions, some of two sentences; the last begins at ``last_s``."""
    return f"""1
00:00:00,500 --> 00:00:02,250
What a day! What a sunny day!

2
00:00:03,000 --> 00:00:04,000
Is it?

3
00:00:06,000 --> 00:00:09,000
Is it really? I wonder.

4
00:00:{last_s:02},000 --> 00:00:{last_s + 3:02},000
Good night!
"""


def until(host: Host, done: Callable[[], bool], what: str) -> None:
    """Turns the bus until it is so; a minute is long enough for anything that happens at all."""
    stop_s = time.monotonic() + BOUND_S
    while not done():
        host.bus.pump(0.01)
        assert time.monotonic() < stop_s, f"waited {BOUND_S:g} s for {what}"


def deadline_in(monkeypatch: pytest.MonkeyPatch, hangs: Callable[[Job], bool]) -> None:
    """Lets the deadline run in calls that are meant to hang alone, however slow this machine is in others."""
    catch = ZmqBus._catch_the_hung

    def caught(self: ZmqBus, now_s: float) -> None:
        for connection in self._connections.values():
            in_hand = self._pending.get(next(iter(connection.tickets), 0))
            if in_hand is not None and not hangs(in_hand.call):
                connection.since_s = now_s
        catch(self, now_s)

    monkeypatch.setattr(ZmqBus, "_catch_the_hung", caught)


def card_of(plugin: str, labels: Sequence[str], inputs: Sequence[CardInput], target: str = "emotion") -> Card:
    """The card of a model that a test trains in a moment."""
    return Card(
        name="toy",
        plugin=plugin,
        target=target,
        labels=list(labels),
        rate=RATE,
        inputs=list(inputs),
        trained_on=TrainedOn("none", "none", "none", clips=240, speakers=6, hours=0.1),
        protocol="none",
        figures={},
        licence="none",
        intended_use="tests",
        limits="all",
        created="2026-01-01",
        versions={},
    )


def played(description: PipelineConfig, samples: Floats, size: int = 1600) -> list[Output]:
    """All that comes of one stream in chunks of ``size`` samples; nothing of it is unaccounted for."""
    with Host(description) as host:
        stream = host.stream("s")
        found = list(stream.play(cut(samples, every(size))))
        assert stream.pipeline.ledger.settled
    return found

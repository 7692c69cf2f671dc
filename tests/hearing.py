"""Streams with a transcriber and a detector that may have processes of their own, and what comes of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.runtime.host import Host
from stimmung.engine.streaming.stream import Stream
from stimmung.engine.types import Chunk, EmotionState, Fault, Output, Prediction
from stimmung.engine.workers.supervisor import Supervisor
from support import RATE, acme, cut, every, syllables, until

SECONDS = 12
SPEECH = syllables(float(SECONDS))
# Half a second is missing in the sixth.
GAPPED = [
    Chunk(SPEECH[: 5 * RATE, np.newaxis], RATE, 0),
    Chunk(SPEECH[round(5.5 * RATE) :, np.newaxis], RATE, round(5.5 * RATE)),
]
APART: dict[str, Any] = {"transport": "ipc"}


def listening(
    transcript: dict[str, Any] | None = None, activity: dict[str, Any] | None = None, **changes: Any
) -> PipelineConfig:
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


def answered(host: Host, stream: Any) -> None:
    """Turns the bus until nothing is asked of a plugin: what dies now takes no answer along."""
    until(host, lambda: not any(breaker.waiting for breaker in stream.pipeline._breakers), "answers")


def failing(fault: str, *seconds: int) -> dict[str, Any]:
    return {"fault": fault, "seconds": list(seconds), **APART}

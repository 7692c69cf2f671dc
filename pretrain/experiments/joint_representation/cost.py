"""What a second of speech costs the shipped HSF-CRNN as it streams."""

from __future__ import annotations

from stimmung.engine.bench.throughput import speech, speed
from stimmung.engine.config.schema import load_description

PIPELINE = "hsf_crnn"
SECONDS, ROUNDS = 60.0, 5


def streamed_ms(seconds: float = SECONDS, rounds: int = ROUNDS) -> list[float]:
    """CPU milliseconds of one core for a streamed second, once a round: ``stimmung bench speed``'s figure."""
    description = load_description(PIPELINE)
    samples = speech("sample", description.stream.rate, seconds)
    return [1000 / times for times in speed(description, samples, rounds)]

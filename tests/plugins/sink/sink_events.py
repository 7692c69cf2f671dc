"""What a sink is given to write."""

from __future__ import annotations

from stimmung.engine.types import EmotionState, Prediction, Span, Status

PREDICTION = Prediction("a.wav", 0, Span(0, 80_000, 16_000), "emotion", {"anger": 0.9, "sadness": 0.1})


def state(**changes: object) -> EmotionState:
    """5 s of 'a.wav', anger with four of five votes; keyword arguments replace fields."""
    fields: dict[str, object] = {
        "stream": "a.wav",
        "span": Span(0, 80_000, 16_000),
        "target": "emotion",
        "status": Status.OK,
        "label": "anger",
        "confidence": 0.8249,
        "votes": {"anger": 4, "sadness": 1},
        "voters": 5,
        "probabilities": {"anger": 0.82, "happiness": 0.1, "neutral": 0.05, "sadness": 0.03},
        "lag_ms": 20.5,
    }
    return EmotionState(**(fields | changes))  # type: ignore[arg-type]

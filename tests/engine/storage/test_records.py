"""A record says what its event says, in fixed keys, and nothing of the day it was made."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
from stimmung.engine.storage.records import record
from stimmung.engine.types import EmotionState, Prediction, Reason, Span, Status

STATE = EmotionState(
    stream="a.wav",
    span=Span(16_000, 96_000, 16_000),
    target="emotion",
    status=Status.UNSURE,
    label="anger",
    confidence=2 / 3,
    votes={"anger": 2, "neutral": 1},
    voters=3,
    probabilities={"anger": 2 / 3, "neutral": 1 / 3},
    lag_ms=12.3456789,
    reason=Reason.DISTANCE,
)
PREDICTION = Prediction("a.wav", 4, Span(2, 80_002, 16_000), "emotion", {"anger": 0.25, "neutral": 0.75})


def test_a_state_has_these_keys_in_this_order() -> None:
    assert json.dumps(record(STATE)) == (
        '{"kind": "state", "stream": "a.wav", "target": "emotion", "start": 16000, "stop": 96000, '
        '"rate": 16000, "start_s": 1.0, "stop_s": 6.0, "status": "unsure", "reason": "distance", '
        '"label": "anger", "confidence": 0.666667, "votes": {"anger": 2, "neutral": 1}, "voters": 3, '
        '"probabilities": {"anger": 0.666667, "neutral": 0.333333}}'
    )


def test_a_prediction_has_these_keys_in_this_order() -> None:
    assert json.dumps(record(PREDICTION)) == (
        '{"kind": "prediction", "stream": "a.wav", "index": 4, "target": "emotion", "start": 2, '
        '"stop": 80002, "rate": 16000, "start_s": 0.000125, "stop_s": 5.000125, "label": "neutral", '
        '"probabilities": {"anger": 0.25, "neutral": 0.75}, "distance": null}'
    )
    assert record(replace(PREDICTION, distance=1.23456789))["distance"] == 1.234568


def test_the_lag_appears_only_when_timing_is_asked_for() -> None:
    assert record(STATE) == record(replace(STATE, lag_ms=99.0))
    assert record(STATE, timing=True) == record(STATE) | {"lag_ms": 12.345679}
    assert record(replace(STATE, lag_ms=None), timing=True)["lag_ms"] is None
    assert record(PREDICTION, timing=True) == record(PREDICTION)


def test_a_stream_where_nobody_spoke_has_no_label() -> None:
    silent = replace(STATE, status=Status.NO_SPEECH, label=None, confidence=0.0, votes={}, voters=0)
    got = record(replace(silent, reason=None))
    assert (got["status"], got["reason"], got["label"], got["votes"]) == ("no_speech", None, None, {})


def test_numpy_numbers_become_plain_ones_on_json_and_messagepack_alike() -> None:
    numpy = replace(STATE, confidence=np.float32(0.1), votes={"anger": np.int64(2)})  # type: ignore[dict-item]
    got = record(numpy)
    assert json.loads(msgspec.json.encode(got)) == msgspec.msgpack.decode(msgspec.msgpack.encode(got)) == got
    assert got["confidence"] == 0.1

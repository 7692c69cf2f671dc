"""Events as plain records: the one form in which they leave the engine, in files and on sockets."""

from __future__ import annotations

from ..types import EmotionState, Event, Span

DIGITS = 6

Record = dict[str, object]


def record(event: Event, timing: bool = False) -> Record:
    """A state or a prediction as a dict that JSON and MessagePack can carry, its keys in a fixed order.

    Times stand in samples (``start``, ``stop``, at ``rate`` Hz) and in seconds; floats are rounded to
    6 digits. A state has::

        kind "state" · stream · target · start · stop · rate · start_s · stop_s · status · reason · label ·
        confidence · votes {label: count} · voters · probabilities {label: probability}

    and a prediction::

        kind "prediction" · stream · index · target · start · stop · rate · start_s · stop_s · label ·
        probabilities {label: probability} · distance

    ``reason`` says why a state is unsure, "confidence" or "distance", null where it is not; ``distance`` is
    null from a classifier that knows none.

    The same audio and pipeline give the same record, always. ``timing`` adds ``lag_ms`` to a state: wall
    time from the arrival of its last sample, different in every run, null where nobody knows.
    """
    if isinstance(event, EmotionState):
        state: Record = {
            "kind": "state",
            "stream": event.stream,
            "target": event.target,
            **_times(event.span),
            "status": event.status.value,
            "reason": None if event.reason is None else event.reason.value,
            "label": event.label,
            "confidence": _rounded(event.confidence),
            "votes": {label: int(votes) for label, votes in event.votes.items()},
            "voters": event.voters,
            "probabilities": {label: _rounded(p) for label, p in event.probabilities.items()},
        }
        if timing:
            state["lag_ms"] = _known(event.lag_ms)
        return state
    return {
        "kind": "prediction",
        "stream": event.stream,
        "index": event.index,
        "target": event.target,
        **_times(event.span),
        "label": event.label,
        "probabilities": {label: _rounded(p) for label, p in event.probabilities.items()},
        "distance": _known(event.distance),
    }


def _times(span: Span) -> Record:
    return {
        "start": span.start,
        "stop": span.stop,
        "rate": span.rate,
        "start_s": _rounded(span.start_s),
        "stop_s": _rounded(span.stop_s),
    }


def _known(value: float | None) -> float | None:
    return None if value is None else _rounded(value)


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)

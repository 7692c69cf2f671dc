"""Accounts that always reconcile."""

from __future__ import annotations

import pytest
from stimmung.engine.streaming.ledger import Ledger


def test_received_is_processed_plus_dropped_plus_in_flight() -> None:
    ledger = Ledger()
    edge = ledger.edge("extract hsf")
    edge.receive(5)
    edge.process(2)
    edge.drop("late")
    assert edge.in_flight == 2
    assert not ledger.settled
    edge.drop("failed", 2)
    assert ledger.settled
    assert ledger.record()["extract hsf"] == {
        "unit": "segments",
        "received": 5,
        "processed": 2,
        "dropped": {"failed": 2, "late": 1},
        "in_flight": 0,
    }


def test_what_was_never_received_cannot_be_settled() -> None:
    edge = Ledger().edge("audio", "samples")
    edge.receive(1)
    with pytest.raises(ValueError, match="cannot settle 2 samples with 1 in flight"):
        edge.process(2)

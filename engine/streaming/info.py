"""What an observer is told of a stream."""

from __future__ import annotations

from dataclasses import dataclass

from .ledger import Ledger


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream's ``name``, the ``rate`` of its clock in Hz, and its ``ledger``, which is kept as it runs."""

    name: str
    rate: int
    ledger: Ledger

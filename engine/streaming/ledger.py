"""Every edge's account: received = processed + dropped + in flight, always.

An edge joins two stages of one stream. Whoever hands something over calls :meth:`Edge.receive`;
whoever finishes with it calls :meth:`Edge.process`, or :meth:`Edge.drop` with the reason. What
neither has happened to is in flight.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Edge:
    """One edge's account, in units of ``unit``."""

    unit: str
    received: int = 0
    processed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def receive(self, count: int = 1) -> None:
        """``count`` more were handed over."""
        self.received += count

    def process(self, count: int = 1) -> None:
        """``count`` of those in flight reached the other end."""
        self._settle(count)
        self.processed += count

    def drop(self, reason: str, count: int = 1) -> None:
        """``count`` of those in flight were given up, and why."""
        self._settle(count)
        self.dropped[reason] += count

    @property
    def in_flight(self) -> int:
        """Handed over, and neither processed nor dropped yet."""
        return self.received - self.processed - self.dropped.total()

    def _settle(self, count: int) -> None:
        if count > self.in_flight:
            raise ValueError(f"an edge cannot settle {count} {self.unit} with {self.in_flight} in flight")


class Ledger:
    """The accounts of all edges of one stream, in the order in which data meets them."""

    def __init__(self) -> None:
        self._edges: dict[str, Edge] = {}

    def edge(self, name: str, unit: str = "segments") -> Edge:
        """The edge of that name, opened on first use."""
        return self._edges.setdefault(name, Edge(unit))

    @property
    def settled(self) -> bool:
        """True when nothing is in flight on any edge."""
        return all(edge.in_flight == 0 for edge in self._edges.values())

    def record(self) -> dict[str, dict[str, object]]:
        """The whole account as plain numbers."""
        return {
            name: {
                "unit": edge.unit,
                "received": edge.received,
                "processed": edge.processed,
                "dropped": dict(sorted(edge.dropped.items())),
                "in_flight": edge.in_flight,
            }
            for name, edge in self._edges.items()
        }

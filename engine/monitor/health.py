"""How each plugin does: its calls, its failures, and its workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ..host import Host

Edges = Mapping[str, Mapping[str, Any]]
Condition = Literal["ok", "failing", "restarting", "parked"]

RECENT_S = 30.0


class Health:
    """Every plugin's health from ledgers, faults and workers."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._over: Counter[tuple[str, str]] = Counter()  # of streams that have ended
        self._failed_s: dict[str, float] = {}

    def failed(self, plugin: str, now_s: float) -> None:
        """A plugin gave up a segment."""
        self._failed_s[plugin] = now_s

    def settle(self, edges: Edges) -> None:
        """The last account of a stream that has ended."""
        self._over += _calls(edges)

    def report(self, ledgers: Iterable[Edges], now_s: float) -> list[dict[str, Any]]:
        """One row for every plugin that is called: what it did in all, and its condition."""
        calls = self._over.copy()
        for edges in ledgers:
            calls += _calls(edges)
        workers: dict[str, list[dict[str, Any]]] = {}
        for worker in self._host.bus.workers():
            workers.setdefault(worker.plugin, []).append(
                {"pid": worker.pid, "restarts": worker.restarts, "parked": worker.parked}
            )
        return [
            {
                "plugin": name,
                "role": facts.kind.replace("_", " "),
                "condition": self._condition(name, workers.get(name, []), now_s),
                "answered": calls[name, "processed"],
                "failed": calls[name, "failed"],
                "late": calls[name, "late"],
                "in_flight": calls[name, "in_flight"],
                "workers": workers.get(name, []),
            }
            for name, facts in self._host.bus.facts.items()
        ]

    def _condition(self, name: str, workers: list[dict[str, Any]], now_s: float) -> Condition:
        if workers and all(worker["parked"] for worker in workers):
            return "parked"
        if any(not worker["pid"] for worker in workers):
            return "restarting"
        recently = now_s - self._failed_s.get(name, -RECENT_S)
        return "failing" if recently < RECENT_S else "ok"


def _calls(edges: Edges) -> Counter[tuple[str, str]]:
    """What became of calls, by plugin; an edge to one is called ``describe``, ``extract`` or ``predict``."""
    calls: Counter[tuple[str, str]] = Counter()
    for edge, account in edges.items():
        method, _, plugin = edge.partition(" ")
        if method not in ("describe", "extract", "predict"):
            continue
        calls[plugin, "processed"] += account["processed"]
        calls[plugin, "in_flight"] += account["in_flight"]
        for reason, count in account["dropped"].items():
            calls[plugin, "late" if reason == "late" else "failed"] += count
    return calls

"""How each plugin does: its calls, its failures, and its workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ..runtime.host import Host

Edges = Mapping[str, Mapping[str, Any]]
Condition = Literal["ok", "failing", "restarting", "parked"]

RECENT_S = 30.0
EDGES = {"detector": "detect", "transcriber": "transcribe"}  # one a stream: it has one of each at most


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
        calls, present = self._over.copy(), list(ledgers)
        for edges in present:
            calls += _calls(edges)
        workers: dict[str, list[dict[str, Any]]] = {}
        for worker in self._host.bus.workers():
            workers.setdefault(worker.plugin, []).append(
                {
                    "pid": worker.pid,
                    "restarts": worker.restarts,
                    "parked": worker.parked,
                    "spare": worker.spare,
                }
            )
        rows = []
        for role, table in self._host.description.listeners:
            names = [name for name, facts in self._host.bus.listeners.items() if facts.kind == role]
            own = [worker for name in names for worker in workers.get(name, [])]
            condition = self._condition(table.plugin, own, now_s)
            if any(edges.get(EDGES[role], {}).get("dropped", {}).get("parked") for edges in present):
                condition = "parked"
            rows.append(_row(table.name, role, condition, calls, EDGES[role], own))
        for name, facts in self._host.bus.facts.items():
            condition = self._condition(name, workers.get(name, []), now_s)
            kind = facts.kind.replace("_", " ")
            rows.append(_row(name, kind, condition, calls, name, workers.get(name, [])))
        return rows

    def _condition(self, name: str, workers: list[dict[str, Any]], now_s: float) -> Condition:
        if workers and all(worker["parked"] for worker in workers):
            return "parked"
        if any(not worker["pid"] for worker in workers if not worker["spare"]):
            return "restarting"
        recently = now_s - self._failed_s.get(name, -RECENT_S)
        return "failing" if recently < RECENT_S else "ok"


def _row(
    name: str,
    role: str,
    condition: Condition,
    calls: Counter[tuple[str, str]],
    asked: str,
    workers: list[dict[str, Any]],
) -> dict[str, Any]:
    counts = {what: calls[asked, what] for what in ("failed", "late", "in_flight")}
    answered = calls[asked, "processed"]
    return {
        "plugin": name,
        "role": role,
        "condition": condition,
        "answered": answered,
        **counts,
        "workers": workers,
    }


def _calls(edges: Edges) -> Counter[tuple[str, str]]:
    """What became of calls, by plugin; an edge to one is called ``describe``, ``extract`` or ``predict``.

    Those of detectors and transcribers go by their edge.
    """
    calls: Counter[tuple[str, str]] = Counter()
    for edge, account in edges.items():
        method, _, plugin = edge.partition(" ")
        if edge in EDGES.values():
            plugin = edge
        elif method not in ("describe", "extract", "predict"):
            continue
        calls[plugin, "processed"] += account["processed"]
        calls[plugin, "in_flight"] += account["in_flight"]
        for reason, count in account["dropped"].items():
            calls[plugin, "late" if reason == "late" else "failed"] += count
    return calls

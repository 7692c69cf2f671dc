"""Figures of the run for Prometheus: all streams together, so that their number never grows with time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ..calls.bus import Bus
from ..errors import StimmungError
from ..plugin import Feed
from ..runtime.host import Host
from ..streaming.info import StreamInfo
from ..streaming.observer import Observer
from ..types import AudioFrame, EmotionState, Fault, Output
from .hub import Hub

LAGS_S = (0.005, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)
DUE_S = 1.0

Account = Mapping[str, Mapping[str, Any]]


class Metrics(Observer):
    """Counts what it sees of the streams, and reads the hub and the workers when asked for the page."""

    def __init__(self, host: Host, hub: Hub, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._due_s = clock, 0.0
        self._registry = registry = CollectorRegistry()
        self._open = Gauge("stimmung_streams", "Streams that are open", registry=registry)
        self._ends = Counter("stimmung_streams_ended", "Streams that ended", ["how"], registry=registry)
        self._audio = Counter("stimmung_audio_seconds", "Audio heard", registry=registry)
        self._states = Counter("stimmung_states", "States", ["target", "status"], registry=registry)
        self._lag = Histogram(
            "stimmung_state_lag_seconds",
            "From the arrival of a state's last sample to the state",
            ["target"],
            buckets=LAGS_S,
            registry=registry,
        )
        self._faults = Counter("stimmung_faults", "Given up", ["plugin", "reason"], registry=registry)
        self._ledgers, self._workers = LedgerFigures(registry), WorkerFigures(host.bus, registry)
        Gauge("stimmung_viewers", "Pages open", registry=registry).set_function(lambda: hub.viewers)
        Gauge(
            "stimmung_skipped_messages", "Messages lost to pages too slow for them", registry=registry
        ).set_function(lambda: hub.skipped)

    def page(self) -> tuple[bytes, str]:
        """All figures in Prometheus' text format, and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def began(self, feed: Feed, stream: StreamInfo) -> None:
        self._ledgers.begin(feed.stream, stream)
        self._open.set(len(self._ledgers))

    def on_audio(self, frame: AudioFrame) -> None:
        self._audio.inc(frame.span.length / frame.span.rate)

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState):
            self._states.labels(output.target, output.status.value).inc()
            if output.lag_ms is not None:
                self._lag.labels(output.target).observe(output.lag_ms / 1000)
        elif isinstance(output, Fault):
            self._faults.labels(output.plugin, output.reason).inc()

    def ended(self, stream: StreamInfo, error: StimmungError | None) -> None:
        self._ledgers.end(stream.name)
        self._open.set(len(self._ledgers))
        self._ends.labels("ended" if error is None else "failed").inc()

    def turned(self) -> None:
        if self._clock() < self._due_s:
            return
        self._due_s = self._clock() + DUE_S
        self._ledgers.add_up()
        self._workers.read()


class LedgerFigures:
    """The accounts of all streams added up, those that have ended included."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._streams: dict[str, tuple[StreamInfo, dict[str, dict[str, Any]]]] = {}
        self._edges = Counter(
            "stimmung_ledger",
            "received = processed + dropped + in flight",
            ["edge", "what"],
            registry=registry,
        )

    def __len__(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def begin(self, name: str, stream: StreamInfo) -> None:
        """A stream was opened."""
        self._streams[name] = stream, {}

    def end(self, name: str) -> None:
        """A stream ended: its account is closed."""
        self._add_up(name)
        del self._streams[name]

    def add_up(self) -> None:
        """Adds what every ledger has grown by since."""
        for name in self._streams:
            self._add_up(name)

    def _add_up(self, name: str) -> None:
        stream, before = self._streams[name]
        now = stream.ledger.record()
        for edge, account in now.items():
            figures, old = _figures(account), _figures(before.get(edge, {}))
            for what, number in figures.items():
                self._edges.labels(edge, what).inc(number - old.get(what, 0))
        self._streams[name] = stream, now


class WorkerFigures:
    """How many worker processes of each plugin live, and how often they were started again."""

    def __init__(self, bus: Bus, registry: CollectorRegistry) -> None:
        self._bus = bus
        self._restarts = Gauge("stimmung_worker_restarts", "Restarts", ["plugin"], registry=registry)
        self._workers = Gauge("stimmung_workers", "Worker processes alive", ["plugin"], registry=registry)

    def read(self) -> None:
        """Reads them of the bus."""
        alive: dict[str, int] = {}
        restarts: dict[str, int] = {}
        for worker in self._bus.workers():
            alive[worker.plugin] = alive.get(worker.plugin, 0) + bool(worker.pid)
            restarts[worker.plugin] = restarts.get(worker.plugin, 0) + worker.restarts
        for plugin, number in alive.items():
            self._workers.labels(plugin).set(number)
            self._restarts.labels(plugin).set(restarts[plugin])


def _figures(account: Mapping[str, Any]) -> dict[str, int]:
    dropped = {f"dropped_{reason}": number for reason, number in account.get("dropped", {}).items()}
    return {what: account[what] for what in ("received", "processed") if what in account} | dropped

"""Plugins with an environment or a language of their own beside those in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ..calls.bus import Job, Then, Worker
from ..calls.spec import PluginSpec
from ..config.schema import BusTable, PipelineConfig
from .local_bus import LocalBus
from .zmq_bus import ZmqBus


class HybridBus:
    """Two buses as one: processes for the plugins that run apart, this thread for the others."""

    def __init__(self, description: PipelineConfig) -> None:
        table = description.bus
        apart = msgspec.structs.replace(table, transport="ipc")
        near = _part(description, table, apart=False)
        self._near = LocalBus(near)
        try:
            self._far = ZmqBus(_part(description, apart, apart=True))
        except BaseException:
            self._near.close()
            raise
        self._facts = {**self._near.facts, **self._far.facts}

    @property
    def facts(self) -> Mapping[str, PluginSpec]:
        return self._facts

    @property
    def listeners(self) -> Mapping[str, PluginSpec]:
        return self._far.listeners

    def submit(self, call: Job, then: Then) -> None:
        bus = self._near if call.plugin in self._near.facts else self._far
        bus.submit(call, then)

    def pump(self, timeout_s: float = 0.0) -> bool:
        some = self._near.pump()
        return self._far.pump(0.0 if some else timeout_s) or some

    def leave(self, plugin: str, instance: int) -> None:
        self._far.leave(plugin, instance)

    def rolling_restart(self) -> None:
        self._far.rolling_restart()

    def workers(self) -> Sequence[Worker]:
        return self._far.workers()

    @property
    def restarts(self) -> int:
        return self._far.restarts

    @property
    def pids(self) -> list[int]:
        return self._far.pids

    def close(self) -> None:
        self._near.close()
        self._far.close()


def _part(description: PipelineConfig, bus: BusTable, *, apart: bool) -> PipelineConfig:
    return msgspec.structs.replace(
        description,
        bus=bus,
        extractors=[table for table in description.extractors if table.apart == apart],
        classifiers=[table for table in description.classifiers if table.apart == apart],
    )

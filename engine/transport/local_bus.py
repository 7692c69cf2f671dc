"""Plugins in the caller's own thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from ..calls.bus import Answer, Job, Then, Worker, hand_out, roles
from ..calls.call import Call, perform
from ..calls.spec import PluginSpec, spec_of
from ..config.schema import PipelineConfig
from ..errors import PluginError
from ..registry import build


class LocalBus:
    """Plugins in the caller's own thread: a call is performed where it is submitted."""

    def __init__(self, description: PipelineConfig) -> None:
        self._plugins: dict[str, Any] = {}
        self._facts: dict[str, PluginSpec] = {}
        self._answers: deque[tuple[Then, Answer]] = deque()
        for role, table in roles(description):
            self.add(table.name, build(role, table.plugin, table.options))

    def add(self, name: str, plugin: object) -> None:
        """Serves one plugin more, already built."""
        self._plugins[name] = plugin
        self._facts[name] = spec_of(name, plugin)

    @property
    def facts(self) -> Mapping[str, PluginSpec]:
        return self._facts

    @property
    def listeners(self) -> Mapping[str, PluginSpec]:
        return {}

    def submit(self, call: Job, then: Then) -> None:
        assert isinstance(call, Call)  # whoever listens in this process is asked without a bus
        try:
            answer = Answer(perform(self._plugins[call.plugin], self._facts[call.plugin], call))
        except PluginError as error:
            answer = Answer(None, "failed", str(error))
        self._answers.append((then, answer))

    def pump(self, timeout_s: float = 0.0) -> bool:
        return hand_out(self._answers)

    def leave(self, plugin: str, instance: int) -> None:
        pass

    def rolling_restart(self) -> None:
        pass  # what this process has imported stays as it is

    def workers(self) -> Sequence[Worker]:
        return ()

    @property
    def restarts(self) -> int:
        return 0

    @property
    def pids(self) -> list[int]:
        return []

    def close(self) -> None:
        self._plugins.clear()

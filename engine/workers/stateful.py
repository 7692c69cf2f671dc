"""The instances of a detector or a transcriber that a worker holds, one for each stream it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..calls.spec import declared, prepared
from ..calls.stateful import perform
from ..config.schema import PluginTable
from ..errors import InputError, WireError
from ..protocol import codec, messages
from ..protocol.codec import decode_request, encode_told
from ..registry import Role, build, origin_of
from ..types import Floats
from .stateless import Handler


class StatefulHandler(Handler):
    """Every instance is built when it is asked first, and again after it raised."""

    def __init__(self, role: Role, table: PluginTable) -> None:
        self._role, self._table = role, table
        self._held: dict[int, Any] = {}
        if role == "detector":
            sample = build(role, table.plugin, table.options)
            self.facts = declared("detector", table.name, sample, ("rate", "hop"))
        else:
            self.facts = declared("transcriber", table.name, prepared(table), ("rate",))

    def reply(self, message: messages.Message, arrays: Sequence[Floats]) -> list[bytes]:
        """What the instance tells, or why it does not."""
        if isinstance(message, messages.Leave):
            self._held.pop(message.instance, None)
            return []
        if not isinstance(message, messages.AskHeader):
            error = WireError("who listens is asked, not called", got=type(message).__name__)
            return codec.encode(messages.Failure(ticket=-1, error=str(error)))
        try:
            request = decode_request(message, arrays)
            if message.anew:
                self._held.pop(message.instance, None)
            fresh = message.instance not in self._held
            if fresh:
                self._held[message.instance] = self._build(message.origin)
            response = perform(self._held[message.instance], request)
        except InputError as error:
            return codec.encode(messages.Unfit(ticket=message.ticket, error=str(error)))
        except Exception as error:  # a plugin may raise anything; it is named and the stream goes on
            return codec.encode(
                messages.Failure(ticket=message.ticket, error=self._failed(message.instance, error))
            )
        return encode_told(message.ticket, replace(response, fresh=fresh and not message.anew))

    def _build(self, origin: str | None) -> Any:
        arguments = [] if self._role == "detector" else [None if origin is None else Path(origin)]
        return build(self._role, self._table.plugin, self._table.options, *arguments)

    def _failed(self, instance: int, error: Exception) -> str:
        """The instance goes: the next question is another one's."""
        at_fault = self._held.pop(instance, None)
        said = f"plugin '{self._table.plugin}' failed, got {type(error).__name__}: {error}"
        return said if at_fault is None else f"{said}; correct it in {origin_of(at_fault)}"

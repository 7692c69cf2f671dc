"""How a worker answers messages; one it cannot read is answered with a failure and never ends it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from ..calls.call import perform
from ..calls.spec import PluginSpec
from ..errors import StimmungError, WireError
from ..protocol import codec, messages
from ..types import Floats


class Handler(ABC):
    """Answers the messages for one plugin, whose declared attributes are ``facts``."""

    facts: PluginSpec

    def answer(self, frames: messages.Frames) -> list[bytes] | None:
        """The frames that answer one message, none where there is nothing to say, None for a stop."""
        try:
            message, arrays = codec.decode(frames)
        except WireError as error:
            return codec.encode(messages.Failure(ticket=-1, error=str(error)))
        if isinstance(message, messages.Stop):
            return None
        if isinstance(message, messages.Heartbeat):
            return []
        return self.reply(message, arrays)

    @abstractmethod
    def reply(self, message: messages.Message, arrays: Sequence[Floats]) -> list[bytes]:
        """The frames that answer a message that wants something."""


class StatelessHandler(Handler):
    """One built plugin and the rows it described last, which spare sending them back."""

    def __init__(self, plugin: Any, facts: PluginSpec) -> None:
        self.facts = facts
        self._plugin = plugin
        self._kept: OrderedDict[int, Floats] = OrderedDict()

    def reply(self, message: messages.Message, arrays: Sequence[Floats]) -> list[bytes]:
        """The result of a call, or its failure."""
        ticket = -1
        try:
            if not isinstance(message, messages.CallHeader):
                raise WireError("a worker takes calls only", got=type(message).__name__)
            ticket = message.ticket
            call = codec.decode_call(self.facts.name, message, arrays, self._kept)
            values = perform(self._plugin, self.facts, call)
        except StimmungError as error:
            return codec.encode(messages.Failure(ticket=ticket, error=str(error)))
        if call.method == "describe":
            self._keep(ticket, values)
        return codec.encode(messages.Result(ticket=ticket, shapes=[list(values.shape)]), [values])

    def _keep(self, ticket: int, rows: Floats) -> None:
        self._kept[ticket] = rows
        if len(self._kept) > messages.KEEP:
            self._kept.popitem(last=False)

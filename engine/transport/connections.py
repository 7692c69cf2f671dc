"""What the host knows of each worker, and of each call that has not been answered."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..calls.bus import Answer, Job, Then
from ..calls.call import Call, Method, expected_shape
from ..calls.spec import PluginSpec
from ..calls.stateful import InstanceRequest
from ..calls.stateful import Method as Asked
from ..errors import ConfigError, PluginError, StimmungError
from ..protocol import messages
from ..workers.process import Assignment
from .router import REMOTE

MAX_ATTEMPTS = 3


@dataclass(slots=True)
class PendingCall:
    """A call that has not been answered, and how many workers it took with it."""

    call: Job
    then: Then
    attempts: int = 0

    @property
    def hopeless(self) -> bool:
        """True when it is not asked again; who listens hears the stream from what comes next."""
        return self.attempts >= (MAX_ATTEMPTS if self._again else 1)

    @property
    def often(self) -> str:
        """How many workers it took, in words."""
        return f"{self.attempts} times on the same call" if self._again else "in this call"

    @property
    def _again(self) -> bool:
        return isinstance(self.call, Call) or self.call.method == "open"


@dataclass(slots=True)
class WorkerConnection:
    """A worker that said hello, the calls on their way to it in their order, and the blocks it keeps.

    ``place``: when it, or whom it succeeded, said hello; the first are asked, as many as the pipeline says.
    ``since_s`` is when it began the call it has in hand; ``hung`` is a thread that never came back from one.
    """

    name: str
    credit: int
    place: float = field(default_factory=time.monotonic)
    remote: bool = False
    retiring: bool = False
    hung: bool = False
    since_s: float = 0.0
    tickets: OrderedDict[int, Method | Asked] = field(default_factory=OrderedDict)
    kept: OrderedDict[int, None] = field(default_factory=OrderedDict)

    @property
    def takes_more(self) -> bool:
        """True when another call may be sent."""
        return not self.retiring and not self.hung and len(self.tickets) < self.credit

    def asked(self, ticket: int, method: Method | Asked) -> None:
        """A call is on its way."""
        if not self.tickets:
            self.since_s = time.monotonic()
        self.tickets[ticket] = method

    def answered(self, ticket: int) -> Method | Asked | None:
        """An answer came: what had been asked, None when nobody had."""
        self.since_s = time.monotonic()
        return self.tickets.pop(ticket, None)

    def keep(self, ticket: int) -> None:
        """The worker answered a describe call, and may answer ``credit`` more before it reads on."""
        self.kept[ticket] = None
        if len(self.kept) > messages.KEEP - self.credit:
            self.kept.popitem(last=False)


def in_turn(connections: Mapping[bytes, WorkerConnection], name: str) -> list[tuple[bytes, WorkerConnection]]:
    """The workers of the plugin called ``name`` that may be asked, by their places."""
    found = [one for one in connections.items() if one[1].name == name and not one[1].retiring]
    return sorted(found, key=lambda one: one[1].place)


def freest(connections: Sequence[tuple[bytes, WorkerConnection]]) -> bytes | None:
    """Whoever of them has the least to do and takes more; None when nobody does."""
    free = [
        (len(connection.tickets), identity) for identity, connection in connections if connection.takes_more
    ]
    return min(free)[1] if free else None


def asked(
    connections: Mapping[bytes, WorkerConnection], at_once: Mapping[str, int]
) -> dict[str, list[bytes]]:
    """Who is asked, of the plugins of which as many can be as should be ``at_once``."""
    found = {
        name: [one for one, _ in in_turn(connections, name)[:number]] for name, number in at_once.items()
    }
    return {name: some for name, some in found.items() if len(some) == at_once[name]}


def checked(answer: Answer, call: Job, facts: PluginSpec) -> Answer:
    """The answer, or that it failed: a worker may be any program, and say anything."""
    if isinstance(call, InstanceRequest):
        return (
            answer
            if _suits(answer, call, facts)
            else Answer(None, "failed", f"plugin '{facts.name}' sent what does not answer {call.method}")
        )
    if answer.values is None:
        return answer
    expected, got = expected_shape(facts, call), answer.values.shape
    error = ""
    if got != expected:
        error = f"plugin '{facts.name}' sent shape {got} for {call.method}, expected {expected}"
    elif not np.isfinite(answer.values).all():
        error = f"plugin '{facts.name}' sent NaN or infinite numbers for {call.method}"
    return Answer(None, "failed", error) if error else answer


def _suits(answer: Answer, ask: InstanceRequest, facts: PluginSpec) -> bool:
    response = answer.response
    if response is None or ask.method != "detect":
        return answer.values is None
    return response.flags is not None and len(response.flags) == len(ask.request.samples) // facts.hop


def invitation(identity: bytes, message: messages.Join, remote: Mapping[str, Assignment]) -> messages.Message:
    """What a worker from elsewhere that wants to join is told."""
    assignment = remote.get(message.name) if identity.startswith(REMOTE) else None
    if assignment is None:
        return messages.Refuse(error=f"no remote plugin is called '{message.name}'", exit_code=2)
    table = assignment.table
    return messages.Assign(role=assignment.role, plugin=table.plugin, name=table.name, options=table.options)


def refusal(message: messages.Refuse) -> StimmungError:
    """The error of a worker that could not build its plugin."""
    return ConfigError(message.error) if message.exit_code == 2 else PluginError(message.error)

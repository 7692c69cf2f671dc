"""The messages between host and workers, as multipart frames; never pickle.

Every message is three or more frames::

    kind      as below, in ASCII
    header    MessagePack map; "v" is the version of this format, 1 where it is absent
    payload…  raw little-endian float32 in C order, one frame for each entry of header["shapes"]

=========  ==============  ===============================================================================
kind       direction       header besides "v"
=========  ==============  ===============================================================================
hello      worker → host   facts: what the plugin declares; credit: calls the worker takes at once; pid
refuse     worker → host   error: why the plugin could not be built; exit_code
call       host → worker   ticket; method; shapes; segment: {stream, index, start, stop, rate, speech, text};
                           parts: [[block, first, rows, sent], …]
result     worker → host   ticket; shapes (one)
failure    worker → host   ticket (-1 when the call could not be read); error
stop       host → worker
join       worker → host   name: the plugin, as the pipeline calls it, that a worker from elsewhere will serve
assign     host → worker   role, plugin, name, options: what such a worker is to build
beat       host → worker   the host lives; nothing to answer
ask        host → worker   ticket; instance; method; start, stop, rate; anew; origin; shapes (one)
told       worker → host   ticket; fresh; sentences; words; shapes (one of flags from a detector, else none)
unfit      worker → host   ticket; error: why the input of that stream cannot be heard
leave      host → worker   instance: the one whose stream has ended
=========  ==============  ===============================================================================

A worker keeps the results of the last ``KEEP`` describe calls that it answered, by ticket. The rows to
summarise are the ``parts`` in their order: rows ``first`` to ``first + rows`` of block ``block``, which is
such a ticket; they are sent along as payload where ``sent`` is true. What the worker keeps only spares
sending: a worker just started is sent everything, and answers the same.

Whatever does not follow this raises :class:`WireError` naming the field; it is never taken for the
end of a stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from ..calls import stateful
from ..calls.call import Method
from ..calls.spec import PluginSpec
from ..registry import Role
from ..types import Floats, Sentence, Words

THREADS = "inproc://bus"
HEARTBEAT_MS, SILENCE_MS = 1_000, 5_000
LARGEST_BYTES = 1 << 28  # the most numbers a message may carry
VERSION = 1
MAX_FLOATS = 1 << 26
MAX_PARTS = 1 << 16
KEEP = 128  # blocks: one minute of rows of one stream, 5 s of each of a dozen
Length = Annotated[int, msgspec.Meta(ge=0, le=MAX_FLOATS)]
Shape = Annotated[list[Length], msgspec.Meta(max_length=4)]
EMPTY: Mapping[int, Floats] = MappingProxyType({})
Frames = Sequence[bytes]


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fields common to all messages."""

    v: Literal[1] = 1


class Hello(Header, frozen=True, kw_only=True):
    """A worker is ready for ``credit`` calls at once."""

    facts: PluginSpec
    credit: Annotated[int, msgspec.Meta(ge=1, le=1024)]
    pid: int


class Refuse(Header, frozen=True, kw_only=True):
    """A worker could not build its plugin."""

    error: str
    exit_code: int


class SegmentHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A segment without its samples."""

    stream: str
    index: int
    start: int
    stop: int
    rate: Annotated[int, msgspec.Meta(ge=1)]
    speech: float
    text: str | None
    settled: bool | msgspec.UnsetType = msgspec.UNSET


class PartHeader(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Rows of one described block, kept by the worker or sent along."""

    block: int
    first: Length
    rows: Length
    sent: bool


class CallHeader(Header, frozen=True, kw_only=True):
    """A call; its arrays follow as payload."""

    ticket: int
    method: Method
    shapes: Annotated[list[Shape], msgspec.Meta(max_length=MAX_PARTS)]
    segment: SegmentHeader | None = None
    parts: Annotated[list[PartHeader], msgspec.Meta(max_length=MAX_PARTS)] = []


class Result(Header, frozen=True, kw_only=True):
    """A call's result; one array follows as payload."""

    ticket: int
    shapes: Annotated[list[Shape], msgspec.Meta(min_length=1, max_length=1)]


class Failure(Header, frozen=True, kw_only=True):
    """A call that failed."""

    ticket: int
    error: str


class Stop(Header, frozen=True, kw_only=True):
    """The worker may go."""


class Join(Header, frozen=True, kw_only=True):
    """A worker from elsewhere offers to serve the plugin that the pipeline calls ``name``."""

    name: str


class Assign(Header, frozen=True, kw_only=True):
    """What a worker from elsewhere is to build."""

    role: Role
    plugin: str
    name: str
    options: dict[str, Any]


class Heartbeat(Header, frozen=True, kw_only=True):
    """The host lives."""


class AskHeader(Header, frozen=True, kw_only=True):
    """A question to the instance of a detector or a transcriber; its audio follows as payload."""

    ticket: int
    instance: int
    method: stateful.Method
    start: int
    stop: int
    rate: Annotated[int, msgspec.Meta(ge=1)]
    anew: bool
    origin: str | None
    shapes: Annotated[list[Shape], msgspec.Meta(min_length=1, max_length=1)]


class ToldHeader(Header, frozen=True, kw_only=True):
    """What an instance says; a detector's flags follow as payload, 1 for speech."""

    ticket: int
    fresh: bool
    sentences: list[Sentence]
    words: Words | None
    shapes: Annotated[list[Shape], msgspec.Meta(max_length=1)]


class Unfit(Header, frozen=True, kw_only=True):
    """The input of a stream cannot be heard."""

    ticket: int
    error: str


class Leave(Header, frozen=True, kw_only=True):
    """The stream of an instance has ended."""

    instance: int


Message = (Hello | Refuse | CallHeader | Result | Failure | Stop | Join | Assign | Heartbeat) | (
    AskHeader | ToldHeader | Unfit | Leave
)

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

import math
from collections.abc import Container, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from . import ask
from .call import Call, Facts, Method, Part
from .errors import WireError
from .registry import Role
from .types import Floats, Segment, Sentence, Span, Words, read_only

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

    facts: Facts
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


class Beat(Header, frozen=True, kw_only=True):
    """The host lives."""


class AskHeader(Header, frozen=True, kw_only=True):
    """A question to the instance of a detector or a transcriber; its audio follows as payload."""

    ticket: int
    instance: int
    method: ask.Method
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


Message = (Hello | Refuse | CallHeader | Result | Failure | Stop | Join | Assign | Beat) | (
    AskHeader | ToldHeader | Unfit | Leave
)

_KINDS: dict[bytes, type[Message]] = {
    b"hello": Hello,
    b"refuse": Refuse,
    b"call": CallHeader,
    b"result": Result,
    b"failure": Failure,
    b"stop": Stop,
    b"join": Join,
    b"assign": Assign,
    b"beat": Beat,
    b"ask": AskHeader,
    b"told": ToldHeader,
    b"unfit": Unfit,
    b"leave": Leave,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_encoder = msgspec.msgpack.Encoder()
_decoders: dict[bytes, msgspec.msgpack.Decoder[Any]] = {
    name: msgspec.msgpack.Decoder(kind) for name, kind in _KINDS.items()
}


def encode(message: Message, arrays: Sequence[Floats] = ()) -> list[bytes]:
    """The frames of a message; ``arrays`` must match its shapes."""
    return [
        _NAMES[type(message)],
        _encoder.encode(message),
        *(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays),
    ]


def decode(frames: Frames) -> tuple[Message, list[Floats]]:
    """The message and its arrays, each checked; :class:`WireError` names the field that is wrong."""
    if len(frames) < 2:
        raise WireError("a message is cut off", got=f"{len(frames)} frames", expected="kind, header, payload")
    kind = bytes(frames[0])
    if kind not in _decoders:
        raise WireError("field kind is unknown", got=repr(kind[:32]), expected=b", ".join(_KINDS).decode())
    try:
        message = _decoders[kind].decode(frames[1])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"header of {kind.decode()} is not readable: {error}") from None
    shapes = message.shapes if isinstance(message, CallHeader | Result | AskHeader | ToldHeader) else []
    if len(frames) - 2 != len(shapes):
        raise WireError(
            f"field payload of {kind.decode()} does not match shapes",
            got=f"{len(frames) - 2} arrays",
            expected=str(len(shapes)),
        )
    return message, [_array(frame, shape) for frame, shape in zip(frames[2:], shapes, strict=True)]


def encode_call(ticket: int, call: Call, kept: Container[int] = ()) -> list[bytes]:
    """The frames that ask a worker for ``call``, without the rows of the blocks it has ``kept``."""
    header, arrays = None, call.arrays
    if call.segment is not None:
        header, arrays = _segment_header(call.segment), (call.segment.samples,)
    parts = [
        PartHeader(part.block, part.first, len(part.rows), part.block not in kept) for part in call.parts
    ]
    if parts:
        arrays = tuple(part.rows for part, told in zip(call.parts, parts, strict=True) if told.sent)
    shapes = [list(array.shape) for array in arrays]
    message = CallHeader(ticket=ticket, method=call.method, shapes=shapes, segment=header, parts=parts)
    return encode(message, arrays)


def decode_call(
    plugin: str, message: CallHeader, arrays: Sequence[Floats], kept: Mapping[int, Floats] = EMPTY
) -> Call:
    """The call a message asks of ``plugin``; :class:`WireError` when what it carries is unfit."""
    method, header = message.method, message.segment
    if (method in ("extract", "encode")) != (header is not None):
        raise WireError(f"field segment does not suit {method}")
    if (method == "summarise") != bool(message.parts):
        raise WireError(f"field parts does not suit {method}")
    axes = {"describe": 1, "summarise": 2, "extract": 1, "encode": 1, "predict": 2}[method]
    sent = sum(part.sent for part in message.parts) if message.parts else max(1, len(arrays))
    if len(arrays) != sent or any(array.ndim != axes for array in arrays):
        raise WireError(
            f"field shapes does not suit {method}", got=str(message.shapes), expected=f"arrays of {axes} axes"
        )
    if header is not None:
        span = Span(header.start, header.stop, header.rate)
        segment = Segment(header.stream, header.index, span, arrays[0], header.speech, header.text)
        return Call(plugin, method, segment=segment)
    if message.parts:
        return Call(plugin, method, parts=_parts(message.parts, arrays, kept))
    return Call(plugin, method, tuple(arrays))


def _parts(
    headers: Sequence[PartHeader], arrays: Sequence[Floats], kept: Mapping[int, Floats]
) -> tuple[Part, ...]:
    sent = iter(arrays)
    parts = []
    for header in headers:
        if not header.sent and header.block not in kept:
            raise WireError("field parts names a block that is not kept", got=str(header.block))
        stop = header.first + header.rows
        rows = next(sent) if header.sent else kept[header.block][header.first : stop]
        if len(rows) != header.rows:
            raise WireError(
                "field parts does not match its rows", got=str(len(rows)), expected=str(header.rows)
            )
        parts.append(Part(header.block, header.first, rows))
    return tuple(parts)


def _segment_header(segment: Segment) -> SegmentHeader:
    span = segment.span
    return SegmentHeader(
        segment.stream, segment.index, span.start, span.stop, span.rate, segment.speech, segment.text
    )


def _array(frame: bytes, shape: list[int]) -> Floats:
    size = math.prod(shape)
    if len(frame) != 4 * size:
        raise WireError(
            "field payload has a wrong length", got=f"{len(frame)} bytes", expected=f"{4 * size} for {shape}"
        )
    return read_only(np.frombuffer(frame, "<f4").reshape(shape))

"""The messages between host and workers, as multipart frames; never pickle.

Every message is three or more frames::

    kind      one of b"hello" b"refuse" b"call" b"result" b"failure" b"stop"
    header    MessagePack map; "v" is the version of this format, 1 where it is absent
    payload…  raw little-endian float32 in C order, one frame for each entry of header["shapes"]

=========  ==============  ===============================================================================
kind       direction       header besides "v"
=========  ==============  ===============================================================================
hello      worker → host   facts: what the plugin declares; credit: calls the worker takes at once; pid
refuse     worker → host   error: why the plugin could not be built; exit_code
call       host → worker   ticket; method; shapes; segment: {stream, index, start, stop, rate, speech, text}
result     worker → host   ticket; shapes (one)
failure    worker → host   ticket (-1 when the call could not be read); error
stop       host → worker
=========  ==============  ===============================================================================

Whatever does not follow this raises :class:`WireError` naming the field; it is never taken for the
end of a stream.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from .call import Call, Facts, Method
from .errors import WireError
from .types import Floats, Segment, Span, read_only

VERSION = 1
MAX_FLOATS = 1 << 26

Length = Annotated[int, msgspec.Meta(ge=0, le=MAX_FLOATS)]
Shape = Annotated[list[Length], msgspec.Meta(max_length=4)]
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


class CallHeader(Header, frozen=True, kw_only=True):
    """A call; its arrays follow as payload."""

    ticket: int
    method: Method
    shapes: Annotated[list[Shape], msgspec.Meta(max_length=64)]
    segment: SegmentHeader | None = None


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


Message = Hello | Refuse | CallHeader | Result | Failure | Stop

_KINDS: dict[bytes, type[Message]] = {
    b"hello": Hello,
    b"refuse": Refuse,
    b"call": CallHeader,
    b"result": Result,
    b"failure": Failure,
    b"stop": Stop,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_encoder = msgspec.msgpack.Encoder()
_decoders: dict[bytes, msgspec.msgpack.Decoder[Any]] = {
    name: msgspec.msgpack.Decoder(kind) for name, kind in _KINDS.items()
}


def encode(message: Message, arrays: Sequence[Floats] = ()) -> list[bytes]:
    """The frames of a message; ``arrays`` must match its shapes."""
    payload = [np.ascontiguousarray(array, "<f4").tobytes() for array in arrays]
    return [_NAMES[type(message)], _encoder.encode(message), *payload]


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
    shapes = message.shapes if isinstance(message, CallHeader | Result) else []
    if len(frames) - 2 != len(shapes):
        raise WireError(
            f"field payload of {kind.decode()} does not match shapes",
            got=f"{len(frames) - 2} arrays",
            expected=str(len(shapes)),
        )
    return message, [_array(frame, shape) for frame, shape in zip(frames[2:], shapes, strict=True)]


def encode_call(ticket: int, call: Call) -> list[bytes]:
    """The frames that ask a worker for ``call``; a segment's samples travel as the only array."""
    segment = call.segment
    if segment is None:
        header = None
        arrays = call.arrays
    else:
        span = segment.span
        header = SegmentHeader(
            segment.stream, segment.index, span.start, span.stop, span.rate, segment.speech, segment.text
        )
        arrays = (segment.samples,)
    message = CallHeader(
        ticket=ticket,
        method=call.method,
        shapes=[list(array.shape) for array in arrays],
        segment=header,
    )
    return encode(message, arrays)


def decode_call(plugin: str, message: CallHeader, arrays: Sequence[Floats]) -> Call:
    """The call a message asks of ``plugin``; :class:`WireError` when its arrays do not suit its method."""
    expected = {"describe": 1, "summarise": 2, "extract": 1, "predict": 2}[message.method]
    if not arrays or any(array.ndim != expected for array in arrays):
        raise WireError(
            f"field shapes does not suit {message.method}",
            got=str(message.shapes),
            expected=f"arrays of {expected} axes",
        )
    header = message.segment
    if (message.method == "extract") != (header is not None):
        raise WireError(f"field segment does not suit {message.method}")
    if header is None:
        return Call(plugin, message.method, tuple(arrays))
    span = Span(header.start, header.stop, header.rate)
    segment = Segment(header.stream, header.index, span, arrays[0], header.speech, header.text)
    return Call(plugin, message.method, (), segment)


def _array(frame: bytes, shape: list[int]) -> Floats:
    size = math.prod(shape)
    if len(frame) != 4 * size:
        raise WireError(
            "field payload has a wrong length", got=f"{len(frame)} bytes", expected=f"{4 * size} for {shape}"
        )
    return read_only(np.frombuffer(frame, "<f4").reshape(shape))

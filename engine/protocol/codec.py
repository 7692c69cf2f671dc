"""Messages between host and workers as multipart frames, encoded and decoded; see :mod:`.messages`."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from ..calls.bus import Answer, Job
from ..calls.call import Call, Part
from ..calls.stateful import InstanceRequest, Request, Response
from ..errors import WireError
from ..types import Floats, Segment, Span, read_only
from .messages import (
    EMPTY,
    AskHeader,
    Assign,
    CallHeader,
    Failure,
    Frames,
    Heartbeat,
    Hello,
    Join,
    Leave,
    Message,
    PartHeader,
    Refuse,
    Result,
    SegmentHeader,
    Stop,
    ToldHeader,
    Unfit,
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
    b"beat": Heartbeat,
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
    axes = {"describe": 1, "summarise": 2, "extract": 1, "encode": 1, "predict": 2, "assess": 2}[method]
    sent = sum(part.sent for part in message.parts) if message.parts else max(1, len(arrays))
    if len(arrays) != sent or any(array.ndim != axes for array in arrays):
        raise WireError(
            f"field shapes does not suit {method}", got=str(message.shapes), expected=f"arrays of {axes} axes"
        )
    if header is not None:
        span = Span(header.start, header.stop, header.rate)
        segment = Segment(
            header.stream,
            header.index,
            span,
            arrays[0],
            header.speech,
            header.text,
            header.settled is not False,
        )
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
        segment.stream,
        segment.index,
        span.start,
        span.stop,
        span.rate,
        segment.speech,
        segment.text,
        msgspec.UNSET if segment.settled else False,
    )


def _array(frame: bytes, shape: list[int]) -> Floats:
    size = math.prod(shape)
    if len(frame) != 4 * size:
        raise WireError(
            "field payload has a wrong length", got=f"{len(frame)} bytes", expected=f"{4 * size} for {shape}"
        )
    return read_only(np.frombuffer(frame, "<f4").reshape(shape))


def encode_job(ticket: int, job: Job, kept: Container[int] = ()) -> list[bytes]:
    """The frames that put a call or a question to a worker; it has ``kept`` the rows of those blocks."""
    return encode_call(ticket, job, kept) if isinstance(job, Call) else encode_ask(ticket, job)


def encode_ask(ticket: int, ask: InstanceRequest) -> list[bytes]:
    """The frames of a question."""
    asked, span = ask.request, ask.request.span
    header = AskHeader(
        ticket=ticket,
        instance=ask.instance,
        method=asked.method,
        start=span.start,
        stop=span.stop,
        rate=span.rate,
        anew=asked.anew,
        origin=ask.origin,
        shapes=[list(asked.samples.shape)],
    )
    return encode(header, [asked.samples])


def decode_request(message: AskHeader, arrays: Sequence[Floats]) -> Request:
    """The question of a message; :class:`WireError` when its audio is unfit."""
    (samples,) = arrays
    heard = message.method in ("hear", "detect")
    if samples.shape != ((message.stop - message.start,) if heard else (0,)):
        raise WireError(
            f"field shapes does not suit {message.method}",
            got=str(message.shapes),
            expected="the samples from start to stop" if heard else "none",
        )
    span = Span(message.start, message.stop, message.rate)
    return Request(message.method, span, samples, message.anew)


def encode_told(ticket: int, response: Response) -> list[bytes]:
    """The frames of what was told."""
    flags = [] if response.flags is None else [response.flags.astype(np.float32)]
    header = ToldHeader(
        ticket=ticket,
        fresh=response.fresh,
        sentences=list(response.sentences),
        words=response.words,
        shapes=[list(one.shape) for one in flags],
    )
    return encode(header, flags)


def answer_of(message: Message, arrays: Sequence[Floats]) -> tuple[int, Answer] | None:
    """The ticket and the answer in a message; None where it answers nothing."""
    if isinstance(message, Result):
        return message.ticket, Answer(arrays[0], block=message.ticket)
    if isinstance(message, Failure):
        return message.ticket, Answer(None, "failed", message.error)
    if isinstance(message, Unfit):
        return message.ticket, Answer(None, "unfit", message.error)
    if isinstance(message, ToldHeader):
        flags = arrays[0] > 0 if arrays else None
        response = Response(tuple(message.sentences), message.words, flags, message.fresh)
        return message.ticket, Answer(None, response=response)
    return None

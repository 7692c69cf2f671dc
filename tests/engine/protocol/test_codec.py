"""Messages survive the wire, and whatever does not follow the format is named."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stimmung.engine.calls.call import Call, Part
from stimmung.engine.calls.spec import spec_of
from stimmung.engine.errors import WireError
from stimmung.engine.protocol import codec, messages
from stimmung.engine.registry import build
from stimmung.engine.types import Segment, Span
from stimmung.engine.workers.stateless import StatelessHandler


@given(shape=st.lists(st.integers(0, 5), min_size=1, max_size=4), seed=st.integers(0, 100))
def test_arrays_arrive_bit_by_bit(shape: list[int], seed: int) -> None:
    array = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    frames = codec.encode(messages.Result(ticket=7, shapes=[shape]), [array])
    message, (arrived,) = codec.decode(frames)
    assert message == messages.Result(ticket=7, shapes=[shape])
    assert np.array_equal(arrived, array)
    assert not arrived.flags.writeable


@pytest.mark.parametrize("settled", [True, False])
def test_a_segment_arrives_whole(settled: bool) -> None:
    segment = Segment("str/äm", 3, Span(5, 9, 16000), np.float32([1, 2, 3, 4]), 0.25, "ja", settled)
    message, arrays = codec.decode(codec.encode_call(1, Call("level", "extract", segment=segment)))
    assert isinstance(message, messages.CallHeader)
    arrived = codec.decode_call("level", message, arrays).segment
    assert arrived is not None
    assert np.array_equal(arrived.samples, segment.samples)
    assert (arrived.stream, arrived.index, arrived.span) == (segment.stream, segment.index, segment.span)
    assert (arrived.speech, arrived.text, arrived.settled) == (0.25, "ja", settled)


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        ([b"call"], "a message is cut off, got 1 frames"),
        ([b"pickle", b""], "field kind is unknown, got b'pickle'"),
        ([b"stop", b"\x80\x05"], "header of stop is not readable"),
        ([b"stop", b"{}"], "header of stop is not readable: Expected `object`"),
        ([b"stop", msgspec.msgpack.encode({"v": 2})], "Invalid enum value 2 - at `$.v`"),
        ([b"stop", msgspec.msgpack.encode({"v": 1, "x": 0})], "unknown field `x`"),
        ([b"stop", msgspec.msgpack.encode({"v": 1}), b""], "payload of stop does not match shapes"),
        (
            [b"result", msgspec.msgpack.encode({"ticket": 1, "shapes": [[3]]}), b"1234"],
            "field payload has a wrong length, got 4 bytes, expected 12 for [3]",
        ),
        ([b"result", msgspec.msgpack.encode({"ticket": 1, "shapes": [[-1]]}), b""], "$.shapes[0][0]"),
        ([b"result", msgspec.msgpack.encode({"ticket": 1, "shapes": [[1 << 40]]}), b""], "$.shapes[0][0]"),
        ([b"result", msgspec.msgpack.encode({"ticket": "1", "shapes": [[0]]}), b""], "$.ticket"),
    ],
)
def test_what_does_not_follow_the_format_is_named(frames: list[bytes], line: str) -> None:
    with pytest.raises(WireError) as caught:
        codec.decode(frames)
    assert line in str(caught.value)


def test_arrays_must_suit_the_method() -> None:
    frames = codec.encode(
        messages.CallHeader(ticket=1, method="describe", shapes=[[2, 2]]), [np.zeros((2, 2))]
    )
    message, arrays = codec.decode(frames)
    assert isinstance(message, messages.CallHeader)
    with pytest.raises(WireError, match="field shapes does not suit describe"):
        codec.decode_call("level", message, arrays)


SEGMENT = Segment("s", 0, Span(0, 2, 16000), np.float32([3, 4]))
valid_call = [bytes(frame) for frame in codec.encode_call(5, Call("level", "extract", segment=SEGMENT))]


def level() -> StatelessHandler:
    plugin = build("extractor", "acme-level", {})
    return StatelessHandler(plugin, spec_of("level", plugin))


def loudness() -> StatelessHandler:
    plugin = build("extractor", "acme-loudness", {})
    return StatelessHandler(plugin, spec_of("loudness", plugin))


def test_rows_a_worker_keeps_are_named_and_the_others_sent_with_the_same_result() -> None:
    server = loudness()
    samples = np.random.default_rng(0).normal(size=4000).astype(np.float32)
    _, (rows,) = codec.decode(
        server.answer(codec.encode_call(7, Call("loudness", "describe", (samples,)))) or []
    )
    parts = (Part(7, 2, rows[2:20]), Part(9, 0, rows[20:]))
    results = []
    for kept in ((), (7,)):
        frames = codec.encode_call(8, Call("loudness", "summarise", parts=parts), kept)
        assert len(frames) == 4 - len(kept)
        _, (values,) = codec.decode(server.answer(frames) or [])
        results.append(values.tolist())
    assert results[0] == results[1]


def test_a_block_that_is_not_kept_is_named() -> None:
    frames = codec.encode_call(8, Call("loudness", "summarise", parts=(Part(7, 0, np.zeros((3, 1))),)), (7,))
    failure, _ = codec.decode(loudness().answer(frames) or [])
    assert isinstance(failure, messages.Failure)
    assert failure.error == "field parts names a block that is not kept, got 7"


def test_a_worker_keeps_a_bounded_number_of_blocks() -> None:
    server = loudness()
    for ticket in range(messages.KEEP + 5):
        server.answer(codec.encode_call(ticket, Call("loudness", "describe", (np.zeros(400, np.float32),))))
    assert list(server._kept) == list(range(5, messages.KEEP + 5))


@given(
    st.one_of(
        st.lists(st.binary(max_size=60), max_size=5),
        st.builds(
            lambda header, payload: [b"call", header, *payload],
            st.dictionaries(
                st.sampled_from(["v", "ticket", "method", "shapes", "segment", "x"]),
                st.one_of(
                    st.none(),
                    st.integers(-3, 1 << 62),
                    st.floats(),
                    st.sampled_from(["describe", "summarise", "extract", "predict"]),
                    st.lists(st.lists(st.integers(-1, 9), max_size=5), max_size=3),
                ),
            ).map(msgspec.msgpack.encode),
            st.lists(st.binary(max_size=40), max_size=3),
        ),
        st.builds(
            lambda frame, at, byte: [
                *valid_call[:frame],
                valid_call[frame][:at] + bytes([byte]) + valid_call[frame][at + 1 :],
                *valid_call[frame + 1 :],
            ],
            st.integers(0, 2),
            st.integers(0, 60),
            st.integers(0, 255),
        ),
    )
)
def test_no_message_ends_a_worker(frames: list[bytes]) -> None:
    reply = level().answer(frames)
    if reply is None:
        message, _ = codec.decode(frames)
        assert isinstance(message, messages.Stop)
        return
    message, _ = codec.decode(reply)
    assert isinstance(message, messages.Failure | messages.Result)


def test_a_worker_answers_the_next_call_after_garbage() -> None:
    server = level()
    failure, _ = codec.decode(server.answer([b"garbage"]) or [])
    assert isinstance(failure, messages.Failure)
    assert failure.error.startswith("a message is cut off")
    result, (values,) = codec.decode(server.answer(valid_call) or [])
    assert isinstance(result, messages.Result)
    assert result.ticket == 5
    assert values[0] == pytest.approx(np.sqrt(12.5))

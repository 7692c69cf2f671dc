"""The test vectors of docs/wire_vectors.json are what the engine reads and writes, field by field."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from stimmung.engine.calls.call import Method
from stimmung.engine.calls.spec import PluginSpec
from stimmung.engine.errors import WireError
from stimmung.engine.models.statistics import OffsetModel, Population
from stimmung.engine.plugin import Input
from stimmung.engine.protocol import codec, messages
from stimmung.engine.types import EmotionState, Prediction, Reason, Span, Status
from stimmung.plugins.sink import pub

DOCS = Path(__file__).parent.parent.parent.parent / "docs"
VECTORS = json.loads((DOCS / "wire_vectors.json").read_text(encoding="utf-8"))
VALID = [vector for vector in VECTORS["messages"] if "error" not in vector]
MALFORMED = [vector for vector in VECTORS["messages"] if "error" in vector]


def frames(vector: dict[str, Any]) -> list[bytes]:
    return [bytes.fromhex(frame) for frame in vector["frames"]]


@pytest.mark.parametrize("vector", VALID, ids=lambda vector: vector["name"])
def test_a_vector_is_read_and_written_bit_by_bit(vector: dict[str, Any]) -> None:
    message, arrays = codec.decode(frames(vector))
    assert frames(vector)[0].decode() == vector["kind"]
    assert json.loads(msgspec.json.encode(message)) == vector["header"]
    assert [array.tolist() for array in arrays] == vector["arrays"]
    assert codec.encode(message, arrays) == frames(vector)


@pytest.mark.parametrize("vector", MALFORMED, ids=lambda vector: vector["name"])
def test_a_malformed_vector_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(WireError) as caught:
        codec.decode(frames(vector))
    assert vector["error"] in str(caught.value)


def test_there_is_a_vector_for_every_kind_of_message_and_every_method() -> None:
    assert {vector["kind"] for vector in VALID} == {name.decode() for name in codec._KINDS}
    called = {vector["header"]["method"] for vector in VALID if vector["kind"] == "call"}
    assert called == set(typing.get_args(Method))


class Outlet:
    """What a publisher sends through."""

    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []

    def send_multipart(self, parts: list[bytes]) -> None:
        self.sent.append(parts)


@pytest.mark.parametrize("vector", VECTORS["events"], ids=lambda vector: vector["name"])
def test_a_published_event_is_its_vector(vector: dict[str, Any]) -> None:
    event = vector["event"]
    span = Span(event["start"], event["stop"], event["rate"])
    common = (event["stream"], span, event["target"])
    sent: Prediction | EmotionState
    if event["kind"] == "prediction":
        probabilities, distance = event["probabilities"], event["distance"]
        sent = Prediction(event["stream"], event["index"], span, event["target"], probabilities, distance)
    else:
        status, votes = Status(event["status"]), event["votes"]
        label, confidence, means = event["label"], event["confidence"], event["probabilities"]
        reason = None if event["reason"] is None else Reason(event["reason"])
        sent = EmotionState(
            *common, status, label, confidence, votes, event["voters"], means, event["lag_ms"], reason
        )
    publisher, outlet = object.__new__(pub.Publisher), Outlet()
    publisher._socket = outlet  # type: ignore[assignment]
    publisher.write(sent)
    assert outlet.sent == [frames(vector)]


def test_every_field_on_the_wire_is_documented() -> None:
    text = (DOCS / "wire.md").read_text(encoding="utf-8")
    structs = [
        *codec._KINDS.values(),
        messages.SegmentHeader,
        messages.PartHeader,
        PluginSpec,
        Population,
        OffsetModel,
    ]
    fields = {field.name for struct in structs for field in msgspec.structs.fields(struct)}
    fields |= set(Input.__dataclass_fields__) | {
        key for vector in VECTORS["events"] for key in vector["event"]
    }
    assert [field for field in sorted(fields) if f"`{field}`" not in text] == []
    assert [kind for kind in codec._KINDS if f"`{kind.decode()}`" not in text] == []


def test_floats_are_little_endian() -> None:
    (vector,) = [vector for vector in VALID if vector["name"] == "a vector"]
    assert frames(vector)[2] == np.array([220, 0.5], "<f4").tobytes()

"""Any ZeroMQ subscriber on this machine hears the events; none of them can hold the engine up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import zmq
from sink_events import PREDICTION, state
from stimmung.engine.errors import ConfigError
from stimmung.engine.protocol.security import identify, make_keys
from stimmung.engine.storage.records import record
from stimmung.plugins.sink.pub import HIGH_WATER_MARK, Publisher


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher("tcp://127.0.0.1:*")
    yield publisher
    publisher.close()


@pytest.fixture
def subscriber(publisher: Publisher) -> Iterator[Callable[[bytes], zmq.Socket[bytes]]]:
    """Opens a subscriber to one topic; it has joined when it is returned."""
    context = zmq.Context()
    opened = []

    def subscribe(topic: bytes) -> zmq.Socket[bytes]:
        socket = context.socket(zmq.SUB)
        opened.append(socket)
        socket.setsockopt(zmq.SUBSCRIBE, topic)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, 1)
        socket.connect(publisher.endpoint)
        for _ in range(1_000):
            publisher.write(state(stream="are you there?"))
            if socket.poll(10):
                break
        while socket.poll(50):
            socket.recv_multipart()
        return socket

    yield subscribe
    for socket in opened:
        socket.close()
    context.term()


def hear(socket: zmq.Socket[bytes]) -> tuple[bytes, dict[str, object]]:
    assert socket.poll(5_000)
    topic, payload = socket.recv_multipart()
    return topic, msgspec.msgpack.decode(payload)


def test_a_state_is_heard_as_topic_and_messagepack(
    publisher: Publisher, subscriber: Callable[[bytes], zmq.Socket[bytes]]
) -> None:
    socket = subscriber(b"state")
    publisher.write(state())
    assert hear(socket) == (b"state", {"v": 1} | record(state(), timing=True))


def test_a_subscriber_to_everything_hears_predictions_too(
    publisher: Publisher,
    subscriber: Callable[[bytes], zmq.Socket[bytes]],
) -> None:
    socket = subscriber(b"")
    publisher.write(PREDICTION)
    publisher.write(state())
    assert [hear(socket)[0] for _ in range(2)] == [b"prediction", b"state"]


def test_a_subscriber_that_does_not_read_loses_events_and_holds_nobody_up(
    publisher: Publisher, subscriber: Callable[[bytes], zmq.Socket[bytes]]
) -> None:
    socket = subscriber(b"state")
    written = HIGH_WATER_MARK * 100  # far more than the sockets of both ends hold
    event = state()
    for _ in range(written):
        publisher.write(event)
    heard = 0
    while socket.poll(200):
        socket.recv_multipart()
        heard += 1
    assert 0 < heard < written


def test_without_a_subscriber_events_go_nowhere_and_closing_is_quick() -> None:
    publisher = Publisher("tcp://127.0.0.1:*")
    for _ in range(HIGH_WATER_MARK * 2):
        publisher.write(state())
    publisher.close()
    publisher.close()


def test_the_address_is_free_again_after_closing() -> None:
    publisher = Publisher("tcp://127.0.0.1:*")
    publisher.close()
    Publisher(publisher.endpoint).close()


@pytest.mark.parametrize("endpoint", ["tcp://[::1]:*", "tcp://localhost:*", "inproc://events"])
def test_loopback_by_any_name_is_served(endpoint: str) -> None:
    try:
        Publisher(endpoint).close()
    except ConfigError as error:
        pytest.skip(f"this machine has no such address: {error}")


def test_ipc_is_served(tmp_path_factory: pytest.TempPathFactory) -> None:
    Publisher(f"ipc://{tmp_path_factory.mktemp('p')}/s").close()


@pytest.mark.parametrize(
    "host", ["*", "0.0.0.0", "192.168.1.5", "[::]", "example.org", "eth0", "127.0.0.1.example.org"]
)
def test_an_address_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a loopback.*; off loopback CURVE keys are required"):
        Publisher(f"tcp://{host}:5557")


@pytest.mark.parametrize("endpoint", ["127.0.0.1:5557", "udp://127.0.0.1:5557", "", "pgm://127.0.0.1:5557"])
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="endpoint of sink 'pub'"):
        Publisher(endpoint)


def test_an_address_in_use_is_refused(publisher: Publisher) -> None:
    with pytest.raises(ConfigError, match=r"cannot publish on 'tcp://.*', got Address already in use"):
        Publisher(publisher.endpoint)


def test_off_loopback_only_whose_keys_are_known_hear_anything(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys", ["kitchen"])
    make_keys(tmp_path / "others", ["mallory"])
    (tmp_path / "others" / "host.key").write_bytes((tmp_path / "keys" / "host.key").read_bytes())
    publisher, context = Publisher("tcp://0.0.0.0:*", str(tmp_path / "keys")), zmq.Context()
    try:
        sockets = {}
        for name in ("", "others/mallory", "keys/kitchen"):
            socket = sockets[name] = context.socket(zmq.SUB)
            socket.setsockopt(zmq.SUBSCRIBE, b"state")
            socket.setsockopt(zmq.LINGER, 0)
            identify(socket, str(tmp_path / f"{name}.key_secret") if name else "")
            socket.connect(publisher.endpoint.replace("0.0.0.0", "127.0.0.1"))
        for _ in range(1_000):
            publisher.write(state())
            if sockets["keys/kitchen"].poll(10):
                break
        heard = {name for name, socket in sockets.items() if socket.poll(500)}
        assert heard == {"keys/kitchen"}
    finally:
        for socket in sockets.values():
            socket.close()
        context.term()
        publisher.close()


def test_keys_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the secret key '.*host.key_secret'"):
        Publisher("tcp://127.0.0.1:*", str(tmp_path))

"""Audio pushed from elsewhere is the same as heard here; garbage, silence and strangers harm nobody."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
import zmq
from stimmung.engine.errors import ConfigError
from stimmung.engine.protocol.security import identify, make_keys
from stimmung.engine.runtime.host import Host
from stimmung.engine.runtime.live import Live
from stimmung.engine.streaming.observer import Observer
from stimmung.engine.types import EmotionState, Output
from stimmung.plugins.source.net import NetSource
from support import RATE, acme, cut, every, syllables

SPEECH = syllables(6.0)
Send = Callable[..., None]


class Told(Observer):
    """Keeps the states, and closes the source when ``streams`` have ended."""

    def __init__(self, source: NetSource, streams: int) -> None:
        self.states: dict[str, list[EmotionState]] = {}
        self._source, self._left = source, streams

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState):
            self.states.setdefault(output.stream, []).append(output)

    def ended(self, stream: object, error: object) -> None:
        self._left -= 1
        if not self._left:
            self._source.close()


def heard(source: NetSource, streams: int) -> dict[str, list[EmotionState]]:
    told = Told(source, streams)
    with Host(acme()) as host:
        Live(host, [told]).run([source])
    return told.states


def expected(name: str, samples: np.ndarray = SPEECH) -> list[EmotionState]:  # type: ignore[type-arg]
    with Host(acme()) as host:
        outputs = host.stream(name).play(cut(samples, every(1600)))
        return [output for output in outputs if isinstance(output, EmotionState)]


@pytest.fixture
def send() -> Iterator[Callable[[NetSource], Send]]:
    context, opened = zmq.Context(), []

    def connect(source: NetSource, key: str = "") -> Send:
        socket = context.socket(zmq.PUSH)
        opened.append(socket)
        identify(socket, key)
        socket.connect(source.endpoint)

        def message(kind: bytes, header: object, *payload: bytes) -> None:
            socket.send_multipart([kind, msgspec.msgpack.encode(header), *payload])

        return message

    yield connect  # type: ignore[misc]
    for socket in opened:
        socket.close(linger=0)
    context.term()


def audio(send: Send, name: str, start: int, stop: int) -> None:
    for at in range(start, stop, 1600):
        header = {"stream": name, "rate": RATE, "start": at}
        send(b"audio", header, SPEECH[at : min(stop, at + 1600)].tobytes())


def test_two_streams_pushed_in_turn_give_the_states_of_each(send: Callable[[NetSource], Send]) -> None:
    source = NetSource("net:tcp://127.0.0.1:*")
    push = send(source)
    for at in range(0, len(SPEECH), 1600):
        for name in ("attic", "kitchen"):
            audio(push, name, at, at + 1600)
    for name in ("attic", "kitchen"):
        push(b"end", {"stream": name})
    states = heard(source, 2)
    assert {name: sorted_by_target(found) for name, found in states.items()} == {
        name: sorted_by_target(expected(name)) for name in ("attic", "kitchen")
    }
    assert (source.refused, source.dropped) == (0, 0)


def sorted_by_target(states: list[EmotionState]) -> list[EmotionState]:
    return sorted(states, key=lambda state: (state.target, state.span))


def test_what_is_no_message_is_counted_and_the_stream_goes_on(send: Callable[[NetSource], Send]) -> None:
    source = NetSource("net:tcp://127.0.0.1:*")
    push = send(source)
    audio(push, "s", 0, 3 * RATE)
    push(b"noise", {"stream": "s"})
    push(b"audio", {"stream": "s", "rate": "much", "start": 0}, b"")
    push(b"audio", {"stream": "s", "rate": RATE, "start": 3 * RATE}, b"123")
    push(b"audio", {"stream": "s", "rate": RATE, "start": -1}, b"1234")
    push(b"end", {"stream": "nobody"})
    audio(push, "s", 3 * RATE, len(SPEECH))
    push(b"end", {"stream": "s"})
    assert sorted_by_target(heard(source, 1)["s"]) == sorted_by_target(expected("s"))
    assert source.refused == 4


def test_a_sender_that_falls_silent_ends_its_stream(send: Callable[[NetSource], Send]) -> None:
    source = NetSource("net:tcp://127.0.0.1:*", silent_s=0.3)
    audio(send(source), "s", 0, len(SPEECH))
    assert sorted_by_target(heard(source, 1)["s"]) == sorted_by_target(expected("s"))


def test_a_stranger_is_not_heard(send: Callable[..., Send], tmp_path: Path) -> None:
    make_keys(tmp_path / "keys", ["kitchen"])
    make_keys(tmp_path / "others", ["mallory"])
    (tmp_path / "others" / "host.key").write_bytes((tmp_path / "keys" / "host.key").read_bytes())
    source = NetSource("net:tcp://127.0.0.1:*", keys=str(tmp_path / "keys"))
    stranger = send(source, str(tmp_path / "others" / "mallory.key_secret"))
    audio(stranger, "mallory", 0, RATE)
    friend = send(source, str(tmp_path / "keys" / "kitchen.key_secret"))
    audio(friend, "kitchen", 0, len(SPEECH))
    friend(b"end", {"stream": "kitchen"})
    assert list(heard(source, 1)) == ["kitchen"]


def test_off_loopback_keys_are_required() -> None:
    with pytest.raises(ConfigError, match="off loopback CURVE keys are required"):
        NetSource("net:tcp://0.0.0.0:5558")
    with pytest.raises(ConfigError, match="endpoint of source 'net', got 'studio'"):
        NetSource("net:studio")


def test_the_command_pushes_a_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "talk.wav", SPEECH, RATE, subtype="FLOAT")
    source = NetSource("net:tcp://127.0.0.1:*")
    program = "from stimmung.engine.cli import main; main()"
    arguments = ["push", "--source", str(tmp_path / "talk.wav"), "--to", source.endpoint, "--name", "talk"]
    pusher = subprocess.Popen([sys.executable, "-c", program, *arguments])
    assert sorted_by_target(heard(source, 1)["talk"]) == sorted_by_target(expected("talk"))
    assert pusher.wait(20) == 0

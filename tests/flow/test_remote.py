"""Workers on other machines give the same states; they come and go, and strangers are refused."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from click.testing import CliRunner
from stimmung.engine.cli import group
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.errors import ConfigError
from stimmung.engine.protocol import codec, messages
from stimmung.engine.protocol.security import identify, make_keys
from stimmung.engine.runtime.host import Host
from stimmung.engine.transport.router import Router
from stimmung.engine.types import Output
from stimmung.engine.workers.remote import work
from support import acme, cut, every, syllables

SPEECH = syllables(12.0)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The host's folder, with a key for the kitchen."""
    make_keys(tmp_path / "keys", ["kitchen"])
    return tmp_path / "keys"


@pytest.fixture
def port() -> str:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        socket.bind("tcp://127.0.0.1:*")
        return socket.getsockopt_string(zmq.LAST_ENDPOINT)


def description(port: str, keys: str, **bus: Any) -> PipelineConfig:
    return acme(
        extractors=[
            {"plugin": "acme-loudness"},
            {"plugin": "acme-level", "name": "acme-level", "remote": True},
        ],
        bus={"listen": port, "keys": keys, **bus},
    )


class Elsewhere:
    """Workers in processes that know nothing of the host but its address."""

    def __init__(self, endpoint: str, key: str) -> None:
        program = "from stimmung.engine.cli import main; main()"
        self._command = [sys.executable, "-c", program, "worker", "acme-level"]
        self._command += ["--connect", endpoint, "--key", key]
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        self.running.append(subprocess.Popen(self._command))
        return self.running[-1]


@pytest.fixture
def elsewhere(port: str, keys: Path) -> Iterator[Elsewhere]:
    machine = Elsewhere(port, str(keys / "kitchen.key_secret"))
    yield machine
    for process in machine.running:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def expected() -> list[Output]:
    with Host(acme()) as host:
        return list(host.stream("s").play(cut(SPEECH, every(1600))))


def test_a_worker_with_a_key_gives_the_same_states(
    port: str, keys: Path, elsewhere: Elsewhere, expected: list[Output]
) -> None:
    worker = elsewhere.start()
    with Host(description(port, str(keys))) as host:
        stream = host.stream("s")
        assert list(stream.play(cut(SPEECH, every(1600)))) == expected
        assert stream.pipeline.ledger.settled
        assert host.bus.pids == [], "nothing of it runs here"
        worker.terminate()
        assert worker.wait(10) == 0, "it goes when it is told to"


def test_what_a_killed_worker_had_in_hand_is_asked_of_the_next(
    port: str, keys: Path, elsewhere: Elsewhere, expected: list[Output]
) -> None:
    worker = elsewhere.start()
    with Host(description(port, str(keys))) as host:
        stream, outputs = host.stream("s"), []
        for number, chunk in enumerate(cut(SPEECH, every(1600))):
            outputs += stream.push(chunk)
            if number == 40:
                worker.kill()
                elsewhere.start()
        outputs += stream.finish()
        assert outputs == expected
        assert stream.pipeline.ledger.settled


def test_a_worker_waits_for_a_host_and_comes_back_to_the_next(
    port: str, keys: Path, elsewhere: Elsewhere, expected: list[Output]
) -> None:
    elsewhere.start()
    for _ in range(2):
        with Host(description(port, str(keys))) as host:
            assert list(host.stream("s").play(cut(SPEECH, every(1600)))) == expected


def test_a_stranger_is_refused(port: str, keys: Path, tmp_path: Path) -> None:
    make_keys(tmp_path / "others", ["mallory"])
    (tmp_path / "others" / "host.key").write_bytes((keys / "host.key").read_bytes())
    router = Router(description(port, str(keys)).bus)
    context = zmq.Context()
    try:
        for key in ("", str(tmp_path / "others" / "mallory.key_secret"), str(keys / "kitchen.key_secret")):
            socket = context.socket(zmq.DEALER)
            socket.setsockopt(zmq.LINGER, 0)
            identify(socket, key)
            socket.connect(router.remote)
            socket.send_multipart(codec.encode(messages.Join(name="acme-level")))
            known = "kitchen" in key
            router.wait(5000 if known else 700)
            assert bool(list(router.messages())) == known, key
            socket.close()
    finally:
        context.term()
        router.close()


def test_a_name_the_pipeline_does_not_have_is_refused(port: str, elsewhere: Elsewhere, keys: Path) -> None:
    elsewhere.start()
    with Host(description(port, str(keys))) as host:
        failures: list[ConfigError] = []

        def ask() -> None:
            try:
                work(port, "acme-loudness", str(keys / "kitchen.key_secret"), threading.Event())
            except ConfigError as error:
                failures.append(error)

        stranger = threading.Thread(target=ask)
        stranger.start()
        while stranger.is_alive():
            host.bus.pump(0.05)
    assert "no remote plugin is called 'acme-loudness'" in str(failures[0])


def test_off_loopback_nothing_works_without_keys() -> None:
    with pytest.raises(
        ConfigError, match="off loopback CURVE keys are required: make them with stimmung keys"
    ):
        Host(description("tcp://0.0.0.0:5560", ""))
    with pytest.raises(ConfigError, match="off loopback CURVE keys are required"):
        work("tcp://studio:5560", "acme-level", "", threading.Event())


def test_a_remote_plugin_needs_a_door() -> None:
    with pytest.raises(
        ConfigError, match=r"plugin 'acme-level' is remote, but no worker can connect; set \[bus\]"
    ):
        description("", "")


def test_keys_are_made_once_and_secrets_are_nobody_elses(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = CliRunner().invoke(group, ["keys", str(folder), "kitchen"])
    assert made.output.split() == [str(folder / f"{name}.key_secret") for name in ("host", "kitchen")]
    secret = (folder / "host.key_secret").read_bytes()
    again = CliRunner().invoke(group, ["keys", str(folder), "kitchen", "attic"])
    assert again.output.split() == [str(folder / "attic.key_secret")]
    assert (folder / "host.key_secret").read_bytes() == secret
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.glob("*.key_secret"))
    wrong = CliRunner().invoke(group, ["keys", str(folder), "../host"])
    assert "a key cannot be called '../host'" in str(wrong.exception)

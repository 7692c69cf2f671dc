"""Nobody else gets in, and whatever a client does, the streams go on and their ledgers reconcile."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
from stimmung.engine.errors import ConfigError, StimmungError
from stimmung.engine.plugin import Feed
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.runtime.live import Live
from stimmung.engine.storage.recorder import Recorder
from stimmung.engine.streaming.info import StreamInfo
from stimmung.engine.streaming.observer import Observer
from stimmung.engine.types import Chunk, EmotionState, Output
from support import RATE, acme, cut, every, syllables

pytest.importorskip("starlette", reason="the dashboard's packages are not installed")
from stimmung.engine.monitor import metrics
from stimmung.engine.monitor import server as module
from stimmung.engine.monitor.dashboard import Dashboard
from stimmung.engine.monitor.guard import address
from stimmung.engine.monitor.hub import QUEUED
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

TOKEN = "0123456789abcdef"


class Settled(Observer):
    """How each stream ended, and whether its ledger reconciled; states by stream."""

    def __init__(self) -> None:
        self.ends: dict[str, bool] = {}
        self.errors: dict[str, StimmungError | None] = {}
        self.states: dict[str, list[EmotionState]] = {}
        self.ended_one = threading.Condition()
        self.begun = threading.Event()

    def began(self, feed: Feed, stream: StreamInfo) -> None:
        self.begun.set()

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState):
            self.states.setdefault(output.stream, []).append(output)

    def ended(self, stream: StreamInfo, error: StimmungError | None) -> None:
        with self.ended_one:
            self.errors[stream.name] = error
            self.ends[stream.name] = stream.ledger.settled
            self.ended_one.notify_all()

    def wait_for(self, streams: int) -> None:
        with self.ended_one:
            assert self.ended_one.wait_for(lambda: len(self.ends) >= streams, 30)


class Steady:
    """A voice that speaks, as fast as it is heard, until it is told to stop."""

    name = "steady"

    def __init__(self) -> None:
        self.over = threading.Event()

    def feeds(self) -> Iterator[Feed]:
        yield Feed("steady", self._chunks())

    def _chunks(self) -> Iterator[Chunk]:
        while not self.over.wait(0.02):
            yield from cut(syllables(0.1), every(1600))

    def close(self) -> None:
        self.over.set()


class Running:
    """A dashboard with one steady stream and the page's microphones, in a thread."""

    def __init__(self, token: str = "", record: Path | None = None) -> None:
        self.settled, self.sources = Settled(), [Steady(), open_source("browser")]
        self.host = Host(acme())
        self.recorder = Recorder(record) if record else None
        where = address("127.0.0.1:0", token)
        self.dashboard = Dashboard(self.host, self.sources, where, recorder=self.recorder)
        self.live = Live(self.host, [*self.dashboard.observers, self.settled], recorder=self.recorder)
        self.url = self.dashboard.url
        self._thread = threading.Thread(target=self.live.run, args=(self.sources,))

    def __enter__(self) -> Running:
        self.dashboard.__enter__()
        self._thread.start()
        assert self.settled.begun.wait(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()
        self._thread.join(60)
        assert not self._thread.is_alive()
        self.dashboard.__exit__(None, None, None)
        if self.recorder:
            self.recorder.close()
        self.host.close()
        assert self.settled.ends["steady"]
        assert all(self.settled.ends.values())

    def open(self, path: str, **options: Any) -> ClientConnection:
        return connect(self.url.replace("http", "ws") + path, **options)

    def goes_on(self) -> None:
        """Two more states come to a fresh page."""
        with self.open("messages") as page:
            page.send('{"watch": "steady"}')
            seen = 0
            while seen < 2:
                seen += sum(message["kind"] == "state" for message in json.loads(page.recv(20)))


@pytest.fixture
def running() -> Iterator[Running]:
    with Running() as running:
        yield running


def frame(position: int, samples: int) -> bytes:
    return position.to_bytes(8, "little") + np.full(samples, 1000, "<i2").tobytes()


def closed(connection: ClientConnection) -> int:
    """The code the server closes with."""
    for _ in range(1000):
        try:
            connection.recv(20)
        except ConnectionClosed as error:
            return error.rcvd.code if error.rcvd is not None else 1006
    raise AssertionError("it is never closed")


def test_anything_wider_than_this_machine_needs_a_token() -> None:
    with pytest.raises(ConfigError, match="others could listen in"):
        address("0.0.0.0:8765", "")
    with pytest.raises(ConfigError, match="at least 16"):
        address("0.0.0.0:8765", "short")
    assert not address("0.0.0.0:8765", TOKEN).loopback
    assert address("[::1]:8765", "").loopback
    for unfit in ("8765", "localhost:", "localhost:99999"):
        with pytest.raises(ConfigError, match="HOST:PORT"):
            address(unfit, "")


def test_without_the_token_nothing_but_health_is_told() -> None:
    with Running(token=TOKEN) as running:
        for path in ("", "metrics", "page/main.js"):
            assert httpx.get(running.url + path).status_code == 401
            assert httpx.get(running.url + path, params={"token": "x" * 16}).status_code == 401
        assert httpx.get(running.url + "health").json() == {"status": "ok"}
        with pytest.raises(InvalidStatus):
            running.open("messages")
        with httpx.Client(follow_redirects=True) as browser:
            page = browser.get(running.url, params={"token": TOKEN})
            assert (page.status_code, page.url.query) == (200, b"")
            assert browser.get(running.url + "page/main.js").status_code == 200
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        with running.open("messages", additional_headers=bearer) as page_socket:
            assert page_socket.recv(10)


@pytest.mark.parametrize("path", ["messages", "microphone"])
def test_another_sites_page_may_not_connect(running: Running, path: str) -> None:
    with pytest.raises(InvalidStatus):
        running.open(path, origin="https://elsewhere.example")
    with running.open(path, origin=running.url.rstrip("/")):
        pass


def test_a_name_that_was_bent_to_this_machine_is_refused(running: Running) -> None:
    answer = httpx.get(running.url, headers={"host": "elsewhere.example"})
    assert answer.status_code == 403


def test_the_page_fetches_nothing_from_elsewhere(running: Running) -> None:
    page = httpx.get(running.url)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(r'(src|href)="(https?:)?//', page.text)
    assert len(httpx.get(running.url + "plotly.min.js").content) > 1_000_000


@pytest.mark.parametrize("said", ["{", "[]", '{"watch": 3}', '{"watch": "a", "more": 1}', b"\0\1"])
def test_a_page_that_sends_garbage_is_hung_up_on(running: Running, said: str | bytes) -> None:
    with running.open("messages") as page:
        page.send(said)
        assert closed(page) == 1008
    running.goes_on()


@pytest.mark.parametrize(
    "said",
    [
        ["garbage"],
        [b"\0" * 100],
        ['{"rate": 12}'],
        ['{"rate": 48000}', "text"],
        ['{"rate": 48000}', b"short"],
        ['{"rate": 48000}', frame(0, 480)[:-1]],
        ['{"rate": 48000}', frame(0, 480), frame(0, 480)],
        ['{"rate": 48000}', frame(1 << 60, 480)],
        ['{"rate": 48000}', *(frame(24_000 * n, 24_000) for n in range(40))],
    ],
    ids=["text", "bytes", "rate", "text later", "short", "odd", "again", "far", "faster than speech"],
)
def test_a_microphone_that_sends_garbage_is_hung_up_on(running: Running, said: list[str | bytes]) -> None:
    with running.open("microphone") as page:
        with contextlib.suppress(ConnectionClosed):  # it may be hung up on before it has said everything
            for one in said:
                page.send(one)
        assert closed(page) == 1008
    running.goes_on()


@pytest.mark.parametrize("path", ["messages", "microphone"])
def test_a_frame_of_10_mb_is_not_read(running: Running, path: str) -> None:
    with running.open(path) as page:
        with contextlib.suppress(ConnectionClosed):
            page.send(b"\0" * 10_000_000)
        assert closed(page) in (1009, 1006)  # 1006 where its last bytes met a socket that was shut
    running.goes_on()


def test_who_connects_and_says_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from stimmung.plugins.source import browser

    monkeypatch.setattr(module, "SILENT_S", 0.3)
    monkeypatch.setattr(browser, "INTRODUCTION_S", 0.3)
    monkeypatch.setattr(browser, "SILENT_S", 0.3)
    with Running() as running:
        host, port = running.url.split("/")[2].split(":")
        with socket.create_connection((host, int(port)), 20) as silent:
            assert silent.recv(100) == b""
        with socket.create_connection((host, int(port)), 20) as slow:
            slow.sendall(b"GET / HT")
            assert slow.recv(100) == b""
        with running.open("microphone") as page:
            assert closed(page) == 1008
        with running.open("microphone") as page:
            page.send('{"rate": 48000, "name": "quiet"}')
            assert closed(page) == 1008
        running.goes_on()
    assert "quiet 1" in running.settled.ends


def test_200_clients_that_come_and_go_leave_nothing_behind(running: Running) -> None:
    running.goes_on()
    process = psutil.Process()
    before = process.num_fds()
    for round_ in range(10):
        pages = [running.open("messages", legacy=True) for _ in range(12)]
        voices = [running.open("microphone", legacy=True) for _ in range(8)]
        for number, voice in enumerate(voices):
            voice.send('{"rate": 16000}')
            voice.send(frame(0, 16_000))
            if number % 2:
                voice.recv(20)
        for number, page in enumerate([*pages, *voices]):
            if number % 3:
                page.close()
            else:
                with contextlib.suppress(OSError):  # a slow one was let go of before
                    page.socket.shutdown(socket.SHUT_RDWR)  # without a word
        running.settled.wait_for(8 * (round_ + 1) - 4)
    running.goes_on()
    voices_heard = [name for name in running.settled.ends if name.startswith("microphone")]
    assert len(voices_heard) > 40
    gone = threading.Event()
    for _ in range(200):
        if process.num_fds() <= before + 2 and running.dashboard.hub.viewers == 0:
            break
        gone.wait(0.05)
    assert process.num_fds() <= before + 2
    assert running.dashboard.hub.viewers == 0


def test_a_page_that_never_reads_loses_its_messages_and_holds_nothing_up(running: Running) -> None:
    hub = running.dashboard.hub
    with running.open("messages", max_queue=1, max_size=None) as asleep:
        asleep.send('{"watch": "steady"}')
        while {"past", "audio"}.isdisjoint(message["kind"] for message in json.loads(asleep.recv(20))):
            pass
        (viewer,) = hub._viewers
        # More than the sockets on the way hold, until what is lost stays lost while others are told.
        for _ in range(30):
            for _ in range(400):
                hub.publish({"kind": "filler", "stream": "steady", "text": "x" * 10_000})
            running.goes_on()
            if viewer.lost:
                break
        assert viewer.lost, "120 MB are held for a page that never reads"
        assert len(viewer._queue) <= QUEUED
        running.goes_on()
        asleep.socket.shutdown(socket.SHUT_RDWR)


def test_figures_for_prometheus_reconcile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "DUE_S", 0.0)
    edges: dict[str, str] = {}
    with Running() as running:
        for _ in range(200):  # figures are added up a moment after their state is out
            running.goes_on()
            text = httpx.get(running.url + "metrics").text
            edges = dict(re.findall(r'_ledger_total\{edge="vote acme-loud",what="(\w+)"\} (\S+)', text))
            if float(edges.get("received", 0)) >= 2:
                break
    assert float(edges["received"]) == float(edges["processed"]) >= 2
    assert re.search(r'stimmung_state_lag_seconds_count\{target="arousal"\} [1-9]', text)
    assert "stimmung_streams 1.0" in text


def test_what_was_recorded_can_be_downloaded_while_it_goes_on(tmp_path: Path) -> None:
    import io
    import zipfile

    with Running(record=tmp_path) as running:
        running.goes_on()
        (folder,) = tmp_path.iterdir()
        answer = httpx.get(f"{running.url}recordings/{folder.name}.zip")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            names = {Path(name).name for name in archive.namelist()}
            assert {"audio-000000000000.flac", "states.jsonl", "words.jsonl", "stream.json"} <= names
            assert archive.testzip() is None
        for other in ("..", "%2e%2e", "elsewhere"):
            assert httpx.get(f"{running.url}recordings/{other}.zip").status_code == 404
    assert RATE

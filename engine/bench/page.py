"""Measures how long a state takes from the engine to the page: a WebSocket client in a process of its own.

As a program it is that client: ``python -m stimmung.engine.bench.page URL STREAM`` looks on until the server
ends, then prints when it had each state, as JSON.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from ..errors import WorkerError
from ..monitor.dashboard import Dashboard
from ..monitor.guard import address
from ..runtime.host import Host
from ..streaming.observer import Observer
from ..types import EmotionState, Output

READY = "ready"
SETTLE_S = 1.0  # what the server has yet to send when the streams have ended
WATCHED = "voice 0"  # as a page does: one stream in full, of the others the states

State = tuple[str, str, int]  # stream, target, last sample


class Had(msgspec.Struct):
    """When a client had a state, in seconds of this machine's monotonic clock."""

    stream: str
    target: str
    stop: int
    had_s: float


class Page(Observer):
    """When each state was emitted, and when the page's client had it."""

    def __init__(self) -> None:
        self._emitted_s: dict[State, float] = {}
        self._had_s: dict[State, float] = {}

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState):
            self._emitted_s[output.stream, output.target, output.span.stop] = time.monotonic()

    @contextmanager
    def looking(self, host: Host) -> Iterator[Sequence[Observer]]:
        """Serves the page and has a client look on at it; the observers that tell it of the streams."""
        with Dashboard(host, [], address("127.0.0.1:0", "")) as dashboard:
            command = [sys.executable, "-m", "stimmung.engine.bench.page", dashboard.url, WATCHED]
            client = subprocess.Popen(command, stdout=subprocess.PIPE)
            assert client.stdout is not None
            if client.stdout.readline().strip() != READY.encode():
                client.kill()
                raise WorkerError("the page's client did not start", remedy="see its output")
            try:
                yield [self, *dashboard.observers]
                time.sleep(SETTLE_S)
            except BaseException:
                client.kill()
                raise
        told, _ = client.communicate()
        for one in msgspec.json.decode(told, type=list[Had]):
            self._had_s[one.stream, one.target, one.stop] = one.had_s

    @property
    def lags_ms(self) -> list[float]:
        """From when a state was emitted to when the client had it, ms."""
        return [
            1000 * (had_s - self._emitted_s[state])
            for state, had_s in self._had_s.items()
            if state in self._emitted_s
        ]

    @property
    def missing(self) -> int:
        """States that the client never had."""
        return len(self._emitted_s.keys() - self._had_s.keys())


def look_on(url: str, stream: str) -> list[Had]:
    """When a client of the page had each state, first of all, until the server ended."""
    had: dict[State, Had] = {}
    with connect(url.replace("http", "ws", 1) + "messages", max_size=None) as page:
        page.send(msgspec.json.encode({"watch": stream}).decode())
        page.recv()  # the introduction: whatever happens from now on is told
        print(READY, flush=True)
        try:
            for text in page:
                now_s = time.monotonic()
                for state in _states(msgspec.json.decode(text)):
                    one = Had(state["stream"], state["target"], state["stop"], now_s)
                    had.setdefault((one.stream, one.target, one.stop), one)
        except ConnectionClosed:
            pass
    return [*had.values()]


def _states(messages: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The states among messages, and those of the past that is told anew after a loss."""
    for message in messages:
        if message["kind"] == "state":
            yield message
        yield from _states(message.get("messages", []) if message["kind"] in ("introduction", "past") else [])


if __name__ == "__main__":
    print(msgspec.json.encode(look_on(*sys.argv[1:3])).decode())

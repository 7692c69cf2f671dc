"""What was recorded gives the same states again, and a disk that is full takes nothing down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from stimmung.engine.plugin import Feed
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.runtime.live import Live, ToSinks
from stimmung.engine.storage import recorder as recording
from stimmung.engine.storage.recorder import Recorder
from stimmung.engine.storage.recording import SegmentWriter, written
from stimmung.engine.storage.records import Record, record
from stimmung.engine.streaming.observer import Observer  # noqa: F401 (the program below uses it)
from stimmung.engine.types import Chunk, EmotionState, Event
from support import RATE, acme, syllables


class Keep:
    name = "keep"

    def __init__(self) -> None:
        self.states: list[Record] = []

    def write(self, event: Event) -> None:
        if isinstance(event, EmotionState):
            self.states.append(record(event))

    def close(self) -> None:
        pass


class One:
    name = "one"

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks

    def feeds(self) -> Iterator[Feed]:
        yield Feed("a voice / here", self._chunks, began=1e9)


def chunks(rate: int, channels: int) -> Iterator[Chunk]:
    """Loud floats of a device, 9 s, a gap of 2 s after the fifth."""
    audio = np.repeat(np.resize(4 * syllables(9.0), (9 * rate, 1)), channels, axis=1)
    for start in range(0, len(audio), rate // 10):
        gap = 2 * rate if start >= 5 * rate else 0
        yield Chunk(audio[start : start + rate // 10], rate, start + gap)


def live(source: Any, root: Path | None = None) -> list[Record]:
    keep = Keep()
    with Host(acme()) as host:
        if root is None:
            assert Live(host, [ToSinks([keep])]).run([source]) == 0
        else:
            with Recorder(root) as recorder:
                assert Live(host, [ToSinks([keep])], recorder=recorder).run([source]) == 0
    return keep.states


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2)])
def test_a_replay_of_the_recording_gives_the_same_states(tmp_path: Path, rate: int, channels: int) -> None:
    lived = live(One(chunks(rate, channels)), tmp_path)
    (folder,) = tmp_path.iterdir()
    assert [path.name for path in sorted(folder.glob("*.flac"))] == [
        "audio-000000000000.flac",
        f"audio-{7 * rate:012}.flac",
    ]
    assert soundfile.info(folder / "audio-000000000000.flac").samplerate == rate
    assert live(open_source(f"recording:{tmp_path}")) == lived
    kept = [json.loads(line) for line in (folder / "states.jsonl").read_text().splitlines()]
    assert kept == json.loads(json.dumps(lived))
    assert len(lived) > 14


def test_audio_of_16_bits_is_recorded_as_it_is() -> None:
    samples = (np.array([[0], [1], [-32768], [32767]]) / 32768).astype(np.float32)
    np.testing.assert_array_equal(written(Chunk(samples, RATE)).samples, samples)


def test_what_is_no_audio_is_refused_as_without_a_recording(tmp_path: Path) -> None:
    def broken() -> Iterator[Chunk]:
        yield Chunk(np.zeros((RATE * 2, 1), np.float32), RATE)
        yield Chunk(np.full((10, 1), np.nan, np.float32), RATE)

    with Host(acme()) as host, Recorder(tmp_path) as recorder:
        assert Live(host, [], recorder=recorder).run([One(broken())]) == 1
    (flac,) = tmp_path.rglob("*.flac")
    assert soundfile.info(flac).frames == 2 * RATE


def test_a_file_that_was_cut_short_is_heard_as_far_as_it_goes(tmp_path: Path) -> None:
    lived = live(One(chunks(RATE, 1)), tmp_path)
    last = sorted(tmp_path.rglob("*.flac"))[-1]
    whole = last.read_bytes()
    # The header of a file that was never finished tells no length: 36 bits before the checksum.
    last.write_bytes(whole[:21] + bytes([whole[21] & 0xF0]) + bytes(4) + whole[26 : len(whole) * 2 // 3])
    again = live(open_source(f"recording:{tmp_path}"))
    assert len(lived) > len(again) > 10
    assert again[:10] == lived[:10]


FULL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from flow.test_recording import *

def quantised():
    return One(map(written, chunks(RATE, 1)))

class Settled(Observer):
    def ended(self, stream, error):
        assert error is None and stream.ledger.settled

recorder, told, keep = Recorder(Path(sys.argv[1])), [], Keep()
recorder.tell = lambda stream, error: told.append((stream, error))
with Host(acme()) as host, recorder:
    assert Live(host, [ToSinks([keep]), Settled()], recorder=recorder).run([quantised()]) == 0
assert keep.states == live(quantised())
print(told)
"""


def test_a_full_disk_ends_the_recording_and_nothing_else(tmp_path: Path) -> None:
    tests = str(Path(__file__).parent.parent)
    mount = f"mount -t tmpfs -o size=64k tmpfs {tmp_path}"
    if subprocess.run(["unshare", "--mount", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here: that takes root")
    script = f'{mount} && exec {sys.executable} -c "$PROGRAM" {tmp_path} {tests}'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        env={**os.environ, "PROGRAM": FULL},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "No space left on device" in done.stdout
    assert done.stdout.count("a voice / here") == 1


def test_a_slow_disk_ends_the_recording_and_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "WAITING", 20)
    awake, told = threading.Event(), list[str]()

    def asleep(writer: SegmentWriter, chunk: Chunk) -> None:
        assert awake.wait(60), "nobody woke the disk"

    monkeypatch.setattr(SegmentWriter, "hear", asleep)
    recorder, keep = Recorder(tmp_path, lambda stream, error: told.append(error)), Keep()
    try:
        with Host(acme()) as host:
            assert Live(host, [ToSinks([keep])], recorder=recorder).run([One(chunks(RATE, 1))]) == 0
        (error,) = told
        assert error.endswith("ended: the disk is too slow")
        assert recorder._waiting.qsize() <= 20
        writer = recorder.writer("a voice / here")
        assert writer is not None
        assert writer.error == error
    finally:
        awake.set()
        recorder.close()
    assert not recorder._thread.is_alive()
    assert keep.states == live(One(map(written, chunks(RATE, 1))))


def test_a_disk_that_hangs_is_left_behind_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recording, "STUCK_S", 0.1)
    awake = threading.Event()
    monkeypatch.setattr(SegmentWriter, "hear", lambda writer, chunk: awake.wait(60))
    try:
        live(One(chunks(RATE, 1)), tmp_path)
    finally:
        awake.set()
    assert "the disk does not answer" in caplog.text

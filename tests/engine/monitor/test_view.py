"""A finished run on the page is what its tables say, with the audio they were made of."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from stimmung.engine.audio.dc import DcBlocker
from stimmung.engine.batch.replay import replay
from stimmung.engine.errors import InputError
from support import RATE, acme, syllables

pytest.importorskip("starlette", reason="needs stimmung[monitor]")

from stimmung.engine.monitor.hub import Hub, Viewer
from stimmung.engine.monitor.view import View
from websockets.sync.client import connect

SPEECH = syllables(70.3)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two recordings, of which one is damaged after 2.6 s, and a file that holds no sound."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    damaged = SPEECH[: 4 * RATE].copy()
    damaged[round(2.6 * RATE)] = np.nan
    soundfile.write("in/damaged.wav", damaged, RATE, subtype="FLOAT")
    soundfile.write("in/good.wav", SPEECH, RATE, subtype="FLOAT")
    (tmp_path / "in" / "text.wav").write_text("no sound at all")
    replay(["in"], acme(), tmp_path / "results")
    return tmp_path / "results"


def told(hub: Hub, watched: str) -> list[dict[str, Any]]:
    """All that a viewer of that stream is told."""
    viewer = Viewer(lambda: None)
    hub.join(viewer)
    hub.watch(viewer, watched)
    return flat([json.loads(data) for data in hub.take(viewer)])


def flat(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for own in messages for one in own.get("messages", [own])]


def of(messages: list[dict[str, Any]], kind: str, stream: str) -> list[dict[str, Any]]:
    return [own for own in messages if own["kind"] == kind and own.get("stream") == stream]


def rows(run: Path, stream: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (run / "states.jsonl").read_text().splitlines()]
    return sorted((row for row in found if row["stream"] == stream), key=lambda row: row["stop"])


def test_every_state_is_shown_as_the_table_has_it(run: Path) -> None:
    messages = told(View(run).hub, "in/good.wav")
    shown = of(messages, "state", "in/good.wav")
    latest = len({row["target"] for row in rows(run, "in/good.wav")})  # come first, for the list of streams
    assert shown[latest:] == rows(run, "in/good.wav")
    (hello,) = [own for own in messages if own["kind"] == "hello"]
    assert [own["target"] for own in hello["targets"]] == ["arousal", "power"]
    assert hello["targets"][0]["labels"] == ["quiet", "middling", "loud"]


def test_the_waveform_is_that_of_the_recording(run: Path) -> None:
    audio = of(told(View(run).hub, "in/good.wav"), "audio", "in/good.wav")
    assert [own["start_s"] for own in audio] == [0.0, len(audio[0]["high"]) / 50]
    high = np.concatenate([own["high"] for own in audio])
    bins = DcBlocker(RATE).remove(SPEECH)[: len(SPEECH) // 320 * 320].reshape(-1, 320)
    np.testing.assert_array_equal(high, np.clip(np.rint(127 * bins.max(axis=1)), -127, 127))


def test_what_failed_is_shown_up_to_where_it_failed_and_why(run: Path) -> None:
    view = View(run)
    assert view.shown == ["in/damaged.wav", "in/good.wav", "in/text.wav"]
    messages = told(view.hub, "in/damaged.wav")
    phases = {own["stream"]: own["phase"] for own in messages if own["kind"] == "stream"}
    assert phases == {"in/damaged.wav": "failed", "in/good.wav": "ended", "in/text.wav": "failed"}
    (audio,) = of(messages, "audio", "in/damaged.wav")
    assert 2.5 <= len(audio["high"]) / 50 <= 2.6
    errors = {own["stream"]: own["error"] for own in messages if own["kind"] == "stream"}
    assert "is not audio at 2.600 s" in errors["in/damaged.wav"]
    assert "is not audio that can be read" in errors["in/text.wav"]


def test_one_recording_can_be_chosen_and_a_wrong_name_is_refused(run: Path) -> None:
    assert View(run, ["in/good.wav"]).shown == ["in/good.wav"]
    with pytest.raises(InputError, match=r"called 'in/god.wav'; did you mean 'in/good.wav'\?"):
        View(run, ["in/god.wav"])


def test_without_its_audio_a_recording_still_has_its_states(run: Path) -> None:
    (run.parent / "in" / "good.wav").unlink()
    view = View(run, ["in/good.wav"])
    assert view.unheard == ["in/good.wav"]
    messages = told(view.hub, "in/good.wav")
    assert of(messages, "audio", "in/good.wav") == []
    assert of(messages, "state", "in/good.wav")


def test_the_command_serves_the_page_until_it_is_told_to_end(run: Path) -> None:
    program = "from stimmung.engine.cli import main; main()"
    command = [sys.executable, "-c", program, "view", "results", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, cwd=run.parent, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.fullmatch(r"http://(127\.0\.0\.1:\d+)/ shows 3 recordings; Ctrl-C ends it\n", line)
        assert found is not None
        with connect(f"ws://{found[1]}/messages") as socket:
            (introduction,) = json.loads(socket.recv(20))
            assert introduction["kind"] == "introduction"
            socket.send('{"watch": "in/good.wav"}')
            past = flat(json.loads(socket.recv(20)))
        assert of(past, "state", "in/good.wav") == rows(run, "in/good.wav")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(30)

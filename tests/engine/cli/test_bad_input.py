"""Bad input gets one clear line and the right exit code, and nothing else is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import tomli_w
from stimmung.engine.models.cards import CARD, find_model
from support import RATE, syllables

PIPELINE: dict[str, Any] = {
    "segments": {"window_s": 2.0, "hop_s": 1.0, "shortest_s": 0.5},
    "extractors": [{"plugin": "acme-loudness"}],
    "classifiers": [{"plugin": "acme-loud"}],
}


def stimmung(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from stimmung.engine.cli import main; main()"]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, env=os.environ, **options
    )


def pipeline(folder: Path, **changes: Any) -> Path:
    path = folder / "pipeline.toml"
    path.write_text(tomli_w.dumps({**PIPELINE, **changes}))
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Good files between all kinds of bad ones."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    speech = syllables(3.0)
    soundfile.write(folder / "a_good.wav", speech, RATE)
    (folder / "b_text.wav").write_text("this is not a sound\n")
    soundfile.write(folder / "c_whole.flac", syllables(20.0), RATE)
    whole = (folder / "c_whole.flac").read_bytes()
    (folder / "c_truncated.flac").write_bytes(whole[: len(whole) // 2])
    (folder / "c_whole.flac").unlink()
    (folder / "d_empty.wav").write_bytes(b"")
    for name, value in (("e_nan", np.nan), ("f_infinite", np.inf)):
        broken = speech.copy()
        broken[round(2.6 * RATE) + 5] = value
        soundfile.write(folder / f"{name}.wav", broken, RATE, subtype="FLOAT")
    eight = np.repeat(np.repeat(speech, 6)[:, np.newaxis], 8, axis=1)
    soundfile.write(folder / "g_eight_channels.wav", eight, 96_000)
    soundfile.write(folder / "h_short.wav", speech[: RATE // 10], RATE)
    soundfile.write(folder / "i_good.flac", speech, RATE)
    return folder


@pytest.mark.parametrize("jobs", [1, 2])
def test_bad_files_are_named_and_the_others_are_kept(corpus: Path, tmp_path: Path, jobs: int) -> None:
    out = tmp_path / "out"
    missing = tmp_path / "nowhere.wav"
    done = stimmung("replay", corpus, missing, "--pipeline", pipeline(tmp_path), "--out", out, "--jobs", jobs)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    errors = {Path(row["stream"]).name: row["error"] for row in rows(out / "errors.jsonl")}
    expected = {
        "b_text.wav": "is not audio that can be read, got text that starts",
        "c_truncated.flac": "is truncated or damaged",
        "d_empty.wav": "is empty, got 0 bytes",
        "e_nan.wav": "is not audio at 2.600 s (sample 41605), got nan",
        "f_infinite.wav": "is not audio at 2.600 s (sample 41605), got inf",
        "h_short.wav": "is too short for a single segment, got 0.10 s, expected at least 0.5 s",
        "nowhere.wav": "does not exist; check the path of the audio",
    }
    assert errors.keys() == expected.keys()
    for name, words in expected.items():
        assert words in errors[name]
        assert "\n" not in errors[name]
    states = rows(out / "states.jsonl")
    for name in ("a_good.wav", "g_eight_channels.wav", "i_good.flac"):
        assert [row["stop_s"] for row in states if row["stream"].endswith(name)] == [1.0, 2.0, 3.0]
    run = json.loads((out / "run.json").read_text())
    assert (run["files"], run["failed"], run["reconciles"]) == (10, 7, True)


def test_what_came_before_a_fault_in_a_file_is_kept_whatever_the_chunks(corpus: Path, tmp_path: Path) -> None:
    tables = []
    for block_ms in (10, 1000):
        out = tmp_path / f"out{block_ms}"
        stimmung("replay", corpus, "--pipeline", pipeline(tmp_path), "--out", out, "--block-ms", block_ms)
        tables.append([(out / f"{table}.jsonl").read_bytes() for table in ("states", "errors")])
    assert tables[0] == tables[1]
    assert b"e_nan.wav" in tables[0][0]


def line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error."""
    (text,) = done.stderr.strip().splitlines()
    return text


def test_a_folder_without_audio_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to hear")
    done = stimmung("run", "--source", tmp_path, "--pipeline", pipeline(tmp_path))
    assert done.returncode == 1
    assert "holds no audio, expected files that end in" in line(done)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"extractors": [{"plugin": "acme-loudnes"}]},
            "no extractor plugin is called 'acme-loudnes'; did you mean",
        ),
        ({"segments": {"windows_s": 2}}, "unknown key 'segments.windows_s'; did you mean 'window_s'?"),
        (
            {"stream": {"rate": 8000}},
            "'acme-loudness' was trained at 16000 Hz but this stream is 8000 Hz; set",
        ),
        ({"classifiers": [{"plugin": "acme-loud", "dim": 9}]}, "does not fit extractor 'acme-loudness'"),
        (
            {"classifiers": [{"plugin": "svm", "model": "emotion_hsf_svm"}]},
            "was trained on 'hsf', which this",
        ),
        ({"classifiers": [{"plugin": "svm", "model": "emotion_hsf_swm"}]}, "did you mean 'emotion_hsf_svm'?"),
    ],
)
def test_a_pipeline_that_cannot_run_is_one_line(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    done = stimmung("run", "--source", "sample", "--pipeline", pipeline(tmp_path, **changes))
    assert done.returncode == 2
    assert words in line(done)
    again = stimmung(
        "replay", "x.wav", "--pipeline", tmp_path / "pipeline.toml", "--out", tmp_path / "out", "--jobs", 2
    )
    assert again.returncode == 2
    assert words in line(again)


def test_an_altered_model_is_refused_with_both_hashes(tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(find_model("emotion_hsf_svm"), model)
    (altered,) = [path for path in model.iterdir() if path.name != CARD]
    altered.write_bytes(altered.read_bytes() + b"\0")
    altered_model = {"classifiers": [{"plugin": "svm", "model": str(model)}]}
    done = stimmung("run", "--source", "sample", "--pipeline", pipeline(tmp_path, **altered_model))
    assert done.returncode == 2
    assert "does not match its card, got " in line(done)
    assert "or train the model again" in line(done)


def test_an_unknown_command_names_the_nearest() -> None:
    done = stimmung("repaly")
    assert done.returncode == 2
    assert "no command is called 'repaly'; did you mean 'replay'?" in done.stderr


def test_raw_pcm_on_standard_input_gives_the_states_of_the_file(tmp_path: Path) -> None:
    pcm = (np.clip(syllables(4.3), -1, 1) * 32767).astype("<i2")
    soundfile.write(tmp_path / "x.wav", pcm, RATE)
    common = ("--pipeline", pipeline(tmp_path), "--sink", "jsonl")
    piped = stimmung(
        "run", "--source", "-", *common, input=pcm.tobytes().decode("latin-1"), encoding="latin-1"
    )
    played = stimmung("run", "--source", tmp_path / "x.wav", *common)

    def told(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
        return [{**json.loads(row), "stream": ""} for row in done.stdout.splitlines()]

    assert len(told(piped)) == 5
    assert told(piped) == told(played)

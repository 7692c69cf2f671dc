"""What a notebook gets is what a replay writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from stimmung import engine
from stimmung.engine import as_table, open_pipeline
from stimmung.engine.batch.replay import replay
from stimmung.engine.errors import ConfigError, InputError, PluginError
from stimmung.engine.storage.records import record
from support import RATE, acme, syllables

SPEECH = syllables(8.3)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "speech.wav"
    soundfile.write(path, SPEECH, RATE, subtype="FLOAT")
    return path


def test_a_table_is_what_pandas_reads_from_a_replay(recording: Path, tmp_path: Path) -> None:
    replay([str(recording)], acme(), tmp_path / "out", features=True)
    with open_pipeline(acme()) as pipeline:
        states = as_table(pipeline.states(recording))
        predictions = as_table(pipeline.predictions(str(recording)))
        features = as_table(pipeline.features(recording))
    pd.testing.assert_frame_equal(states, pd.read_parquet(tmp_path / "out" / "states.parquet"))
    pd.testing.assert_frame_equal(predictions, pd.read_parquet(tmp_path / "out" / "predictions.parquet"))
    kept = pd.read_parquet(tmp_path / "out" / "features.parquet")
    assert features.index.equals(kept.index)
    np.testing.assert_array_equal(
        features.filter(like="acme-loudness.").to_numpy(), np.stack(kept["acme-loudness"])
    )
    audformat.assert_index(features.index)


@pytest.mark.parametrize("kind", ["float64", "columns", "stereo"])
def test_an_array_gives_the_states_of_the_file(recording: Path, kind: str) -> None:
    arrays = {
        "float64": SPEECH.astype(np.float64),
        "columns": SPEECH[:, np.newaxis],
        "stereo": np.stack([SPEECH, SPEECH], axis=1),
    }
    with open_pipeline(acme()) as pipeline:
        ours = [record(state) | {"stream": ""} for state in pipeline.states(arrays[kind], rate=RATE)]
        theirs = [record(state) | {"stream": ""} for state in pipeline.states(recording)]
    assert ours == theirs
    assert len(ours) == 2 * 9


def test_whole_numbers_are_of_the_full_scale_of_their_type(tmp_path: Path) -> None:
    samples = (SPEECH * 20000).astype(np.int16)
    soundfile.write(tmp_path / "x.wav", samples, RATE)
    with open_pipeline(acme()) as pipeline:
        ours = [state.probabilities for state in pipeline.states(samples, rate=RATE)]
        assert ours == [state.probabilities for state in pipeline.states(tmp_path / "x.wav")]


def test_states_come_while_the_audio_is_still_being_heard(recording: Path) -> None:
    with open_pipeline(acme()) as pipeline:
        states = pipeline.states(recording)
        first = next(states)
        assert first.span.stop_s < 8
        assert [first, *states] == list(pipeline.states(recording))


def test_a_folder_is_a_stream_a_recording(recording: Path) -> None:
    soundfile.write(recording.parent / "two.wav", SPEECH, RATE)
    with open_pipeline(acme()) as pipeline:
        streams = [state.stream for state in pipeline.states(recording.parent)]
    assert list(dict.fromkeys(streams)) == ["speech.wav", "two.wav"]


def test_tables_are_a_pipeline_too() -> None:
    tables = {"extractors": [{"plugin": "acme-level"}]}
    with open_pipeline(tables) as pipeline:
        table = as_table(pipeline.features(SPEECH, rate=RATE))
    assert list(table.columns) == ["acme-level.0"]
    with pytest.raises(ConfigError, match="did you mean"):
        open_pipeline({"extractor": [], **tables})


def test_a_plugin_that_fails_is_an_error_after_what_came_before() -> None:
    tables = {"extractors": [{"plugin": "acme-faulty", "fault": "raise", "above": 0.5}]}
    loud = np.concatenate([0.1 * SPEECH, 40 * SPEECH])
    assert np.abs(loud).max() < 10
    with open_pipeline(tables) as pipeline:
        features = pipeline.features(loud, rate=RATE)
        assert next(features).span.start == 0
        with pytest.raises(PluginError, match=r"given up at .* too loud for me"):
            list(features)


@pytest.mark.parametrize(
    ("audio", "rate", "words"),
    [
        (SPEECH, None, "does not know its sampling rate; add rate"),
        (np.zeros((2, 3, 4)), RATE, r"is not audio, got float64 of shape \(2, 3, 4\)"),
        (np.array(["a"]), RATE, "is not audio"),
        (np.zeros(0), RATE, "is not audio"),
        (SPEECH[:100], RATE, "too short for a single segment"),
        ("nowhere.wav", None, "does not exist"),
    ],
)
def test_unfit_audio_is_refused(audio: object, rate: int | None, words: str) -> None:
    with open_pipeline(acme()) as pipeline, pytest.raises(InputError, match=words):
        list(pipeline.states(audio, rate))  # type: ignore[arg-type]


def test_a_table_of_two_kinds_is_refused_and_one_of_nothing_is_empty() -> None:
    with open_pipeline(acme()) as pipeline, pytest.raises(InputError, match="got EmotionState, Prediction"):
        as_table(pipeline.play(SPEECH, RATE))
    assert as_table([]).empty


HEAVY = ("numpy.testing", "pandas", "pyarrow", "scipy", "sklearn", "soundfile", "soxr", "torch", "zmq")


@pytest.mark.parametrize("module", ["stimmung.engine", "stimmung.engine.plugin"])
def test_what_a_plugin_imports_loads_nothing_heavy(module: str) -> None:
    program = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert set(HEAVY) & set(json.loads(done.stdout)) == set()


def test_every_name_offered_is_there() -> None:
    assert set(engine.__all__) <= set(dir(engine))
    assert all(getattr(engine, name) is not None for name in engine.__all__)
    with pytest.raises(AttributeError, match="no attribute 'open_pipelines'"):
        engine.open_pipelines  # noqa: B018 - it is asked for on purpose

"""What is learnt of a named speaker lasts from session to session, where it is asked for and only there."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from levels import described, trained
from stimmung.engine.api.session import open_pipeline
from stimmung.engine.config.schema import describe
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import Feed
from stimmung.engine.runtime.host import Host
from stimmung.engine.runtime.live import Live, ToSinks
from stimmung.engine.storage.speakers import Speakers
from stimmung.engine.types import Chunk, Event, Output, Prediction
from support import RATE, cut, every, syllables

FIRST, SECOND = syllables(7.3), syllables(7.1, seed=1)
GAP = 2 * RATE


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's speakers are kept."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "stimmung" / "speakers"


def remembering(model: Path, **changes: Any) -> Any:
    return described(model, **{"remember": True, **changes})


def session(description: Any, samples: np.ndarray[Any, Any], speaker: str, size: int = 1600) -> list[Output]:
    with Host(description) as host:
        return [*host.stream("s", speaker=speaker).play(cut(samples, every(size)))]


def probabilities(outputs: list[Output]) -> list[dict[str, float]]:
    return [output.probabilities for output in outputs if isinstance(output, Prediction)]


def kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


@pytest.fixture(scope="module")
def uninterrupted(model: Path) -> list[dict[str, float]]:
    """What is made of both sessions as one stream with a gap."""

    def chunks() -> Iterator[Chunk]:
        yield Chunk(FIRST[:, np.newaxis], RATE)
        yield Chunk(SECOND[:, np.newaxis], RATE, start=len(FIRST) + GAP)

    with Host(described(model)) as host:
        return probabilities([*host.stream("s").play(chunks())])


@pytest.mark.parametrize("bus", [{"transport": "local"}, {"transport": "ipc", "workers": 2}])
def test_a_session_begins_where_the_one_before_ended(
    model: Path, uninterrupted: list[dict[str, float]], bus: dict[str, Any]
) -> None:
    description = remembering(model, bus=bus)
    first, second = session(description, FIRST, "anna"), session(description, SECOND, "anna", 999)
    assert probabilities(first) + probabilities(second) == uninterrupted
    assert probabilities(session(description, SECOND, "ben")) != probabilities(second)


def test_live_replay_and_notebook_agree_given_what_is_remembered(
    model: Path, folder: Path, tmp_path: Path
) -> None:
    description = remembering(model)
    session(description, FIRST, "anna")
    shutil.copytree(folder, tmp_path / "before")

    class Keep:
        name = "keep"

        def __init__(self) -> None:
            self.found: list[Event] = []

        def write(self, event: Event) -> None:
            self.found.append(event)

        def close(self) -> None: ...

    class One:
        name = "one"

        def feeds(self) -> Iterator[Feed]:
            yield Feed("array", cut(SECOND, every(800)))

    found, keep = [probabilities(session(description, SECOND, "anna"))], Keep()
    after = kept(folder)[0].stat().st_size
    shutil.copytree(tmp_path / "before", folder, dirs_exist_ok=True)
    with Host(description) as host:
        assert Live(host, [ToSinks([keep])], speaker="anna").run([One()]) == 0
    found.append(probabilities([event for event in keep.found if isinstance(event, Prediction)]))
    assert kept(folder)[0].stat().st_size == after
    shutil.copytree(tmp_path / "before", folder, dirs_exist_ok=True)
    with open_pipeline(description) as pipeline:
        found.append(probabilities([*pipeline.predictions(SECOND, RATE, speaker="anna")]))
    assert found[0] == found[1] == found[2]


def test_nothing_is_written_or_read_without_a_speakers_name(model: Path, folder: Path) -> None:
    description = remembering(model)
    before = session(description, FIRST, "")
    assert not folder.exists()
    session(description, SECOND, "anna")
    assert session(description, FIRST, "") == before
    assert len(kept(folder)) == 1


def test_a_name_is_refused_where_no_classifier_remembers(model: Path, folder: Path) -> None:
    with Host(described(model)) as host:
        with pytest.raises(
            ConfigError, match="'anna' is named, but no classifier of this pipeline remembers"
        ):
            host.stream("s", speaker="anna")
        with pytest.raises(ConfigError, match="remembers anybody"):
            Live(host, [], speaker="anna")
    assert not folder.exists()


def test_only_an_inferred_offset_can_be_remembered() -> None:
    tables = {"extractors": [{"plugin": "hsf"}], "classifiers": [{"plugin": "svm", "remember": True}]}
    with pytest.raises(
        ConfigError, match=r'\'svm\' has nothing .* got remember = true with normalise = "none"'
    ):
        describe(tables, "here")


def test_a_session_that_teaches_nothing_writes_nothing(model: Path, folder: Path) -> None:
    session(remembering(model), np.zeros(5 * RATE, np.float32), "anna")
    assert kept(folder) == []


def test_what_audio_that_ends_unfit_has_taught_is_kept(model: Path, folder: Path) -> None:
    def broken() -> Iterator[Chunk]:
        yield from cut(FIRST, every(1600))
        yield Chunk(np.full((10, 1), np.nan, np.float32), RATE)

    class Torn:
        name = "torn"

        def feeds(self) -> Iterator[Feed]:
            yield Feed("s", broken())

    with Host(remembering(model)) as host:
        assert Live(host, [], speaker="anna").run([Torn()]) == 1
    assert len(kept(folder)) == 1


def test_a_file_holds_arrays_and_whose_they_are_and_is_the_users_alone(model: Path, folder: Path) -> None:
    from safetensors import safe_open

    session(remembering(model), FIRST, "anna")
    (path,) = kept(folder)
    assert path.parent.name == "anna"
    assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
    assert [*path.parent.iterdir()] == [path]
    with safe_open(path, "numpy") as file:
        assert set(file.keys()) == {"means", "log_weights", "covariance"}
        about = json.loads(file.metadata()["about"])
    assert set(about) == {"speaker", "model", "digest", "speech_s", "written"}
    assert (about["speaker"], about["model"]) == ("anna", model.name)
    assert 1.0 < about["speech_s"] <= 7.3


def test_the_operating_point_may_change_and_the_model_may_not(
    model: Path, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session(remembering(model), FIRST, "anna")
    session(remembering(model, neutral_prior=3.0), SECOND, "anna")
    assert len(kept(folder)) == 1
    other = trained(tmp_path / "other", seed=1)
    plain = probabilities(session(described(other), SECOND, ""))
    caplog.set_level(logging.INFO, "stimmung.speakers")
    assert probabilities(session(remembering(other), SECOND, "anna")) == plain
    assert [record.message for record in caplog.records] == [
        "'anna' is remembered by other models only: this one begins anew"
    ]
    (one, two) = kept(folder)
    caplog.clear()
    shutil.copy(one, tmp_path / "kept")
    shutil.copy(two, one)
    shutil.copy(tmp_path / "kept", two)  # each now under the other's name
    assert probabilities(session(remembering(other), SECOND, "anna")) == plain
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "by another model, and not used" in caplog.text


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_file_counts_as_none_and_is_told_once(
    model: Path, folder: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    plain = probabilities(session(described(model), SECOND, ""))
    session(remembering(model), FIRST, "anna")
    (path,) = kept(folder)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[:-9],
            "flipped": whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
            "empty": b"",
            "other": b"RIFF" * 100,
        }[damage]
    )
    assert probabilities(session(remembering(model), SECOND, "anna")) == plain
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"'{path}' is damaged: what was remembered of 'anna' counts as none" == record.message
    caplog.clear()
    session(remembering(model), FIRST, "anna")
    assert caplog.records == []  # the session has written a whole one


def test_who_is_forgotten_while_a_stream_runs_stays_forgotten(
    model: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session(remembering(model), FIRST, "anna")
    with Host(remembering(model)) as host:
        stream = host.stream("s", speaker="anna")
        for chunk in cut(SECOND, every(1600)):
            [*stream.push(chunk)]
        Speakers().forget("anna")
        [*stream.finish()]
    assert kept(folder) == []
    assert "'anna' was forgotten while the stream ran" in caplog.text


def test_a_folder_that_cannot_be_written_to_costs_the_memory_and_nothing_else(
    model: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    assert session(remembering(model), FIRST, "anna") == session(described(model), FIRST, "")
    assert "what was learnt of 'anna' is not kept" in caplog.text


def stimmung(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    program = "from stimmung.engine.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return done


def test_the_commands_remember_list_and_forget(model: Path, folder: Path, tmp_path: Path) -> None:
    for number, samples in enumerate([FIRST, SECOND]):
        soundfile.write(tmp_path / f"{number}.wav", samples, RATE, subtype="FLOAT")
    pipeline = tmp_path / "pipeline.toml"
    pipeline.write_text(
        'extractors = [{plugin = "acme-loudness"}]\n'
        f'classifiers = [{{plugin = "linear", model = "{model}", normalise = "offset", remember = true}}]\n'
    )
    given = ["--pipeline", str(pipeline), "--sink", "jsonl"]
    heard = [
        stimmung("run", "--source", str(tmp_path / f"{number}.wav"), *given, *who).stdout
        for number, who in [(1, []), (0, ["--speaker", "anna"]), (1, ["--speaker", "anna"]), (1, [])]
    ]
    assert heard[0] == heard[3] != heard[2]
    stimmung("run", "--source", str(tmp_path / "0.wav"), *given, "--speaker", "José")
    rows = [line.split() for line in stimmung("speakers").stdout.splitlines()]
    assert [row[:2] for row in rows] == [["speaker", "model"], ["José", model.name], ["anna", model.name]]
    assert float(rows[2][4]) > float(rows[1][4]) > 3
    several = ["--source", "sample", "--source", "sample"]
    assert "several sources" in stimmung("run", *several, *given, "--speaker", "a", code=2).stderr
    assert "name of a speaker" in stimmung("run", *several[:2], *given, "--speaker", "../a", code=2).stderr
    assert "no classifier" in stimmung("run", *several[:2], "--speaker", "anna", code=2).stderr
    assert "did you mean 'anna'?" in stimmung("speakers", "--forget", "ana", code=2).stderr
    assert stimmung("speakers", "--forget", "anna").stdout == "forgot anna\n"
    assert [path.parent.name for path in kept(folder)] == ["José"]
    assert stimmung("speakers", "--forget-all").stdout == "forgot José\n"
    assert stimmung("speakers").stdout == "nobody is remembered\n"
    assert [*folder.iterdir()] == []

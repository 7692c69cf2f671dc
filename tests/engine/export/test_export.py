"""What is exported is what the run says, read by libraries that others wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile
import webvtt
from praatio import textgrid
from pyannote.database.util import load_rttm
from pympi import Eaf
from stimmung.engine.batch.replay import replay
from stimmung.engine.errors import InputError
from stimmung.engine.export import FORMATS
from stimmung.engine.export.intervals import Names, Recording, Run
from support import RATE, acme, syllables

NAMES = ('ä & <b> "c" d.wav', 'again/ä & <b> "c" d.wav', "quiet.wav")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two targets; the first recording falls silent for long, the second has the same name, one fails."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "in" / "again").mkdir(parents=True)
    silence = np.zeros(20 * RATE, np.float32)
    sounds = (np.concatenate([syllables(12.3), silence, syllables(8.0)]), syllables(14.0, seed=3), silence)
    for name, samples in zip(NAMES, sounds, strict=True):
        soundfile.write(folder / "in" / name, samples, RATE)
    (folder / "in" / "broken.wav").write_text("no sound at all")
    replay([str(folder / "in")], acme(), folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def recordings(run: Path) -> list[Recording]:
    return list(Run(run, "states"))


def export(run: Path, name: str, out: Path, table: Any = "states") -> list[str]:
    """The names of the files written."""
    assert FORMATS[name](Run(run, table), out) == len(list(out.iterdir()))
    return sorted(path.name for path in out.iterdir())


def seconds(recording: Recording, target: str) -> list[tuple[float, float, str]]:
    tier = recording.tier(target)
    return [(own.start / RATE, own.stop / RATE, own.label) for own in tier]


def named(recordings: list[Recording], suffix: str) -> list[str]:
    names = Names(suffix)
    return [names.of(recording) for recording in recordings]


def test_the_material_has_everything_that_can_go_wrong(recordings: list[Recording]) -> None:
    tiers = {Path(own.stream).name: own.tier("arousal") for own in recordings}
    assert [set(recording.targets) for recording in recordings] == [{"arousal", "power"}] * 3
    assert any("no_speech" in {own.label for own in tier} and len(tier) >= 3 for tier in tiers.values())
    assert {own.label for own in tiers["quiet.wav"]} == {"no_speech"}


def state(start: int, stop: int, label: str | None, confidence: float = 0.0) -> dict[str, Any]:
    return {"start": start, "stop": stop, "label": label, "confidence": confidence}


def test_a_state_is_put_where_it_is_news_and_equal_neighbours_are_one() -> None:
    rows = [
        state(0, 10, "a", 0.6),
        state(0, 20, "a", 0.8),
        state(5, 30, "b", 0.5),
        state(10, 30, "b", 0.9),
        state(20, 40, None),
        state(50, 60, "b", 0.7),
    ]
    tier = Recording("x", 10, {"t": rows}).tier("t")
    assert [(own.start, own.stop, own.label) for own in tier] == [
        (0, 20, "a"),
        (20, 30, "b"),
        (30, 40, "no_speech"),
        (50, 60, "b"),
    ]
    assert [own.confidence for own in tier] == pytest.approx([0.7, 0.5, 0.0, 0.7])


def test_names_are_told_apart_where_a_file_system_would_not() -> None:
    names = Names(".x")
    found = [names.of(Recording(s, 1, {})) for s in ("in/a.wav", "b/A.wav", "a_2.wav", "a.flac")]
    assert found == ["a.x", "A_2.x", "a_2_2.x", "a_3.x"]


def test_elan_reads_every_interval_and_finds_the_audio(
    run: Path, recordings: list[Recording], tmp_path: Path
) -> None:
    names = export(run, "eaf", tmp_path)
    assert len(names) == 3
    for recording, name in zip(recordings, named(recordings, ".eaf"), strict=True):
        document = Eaf(str(tmp_path / name))
        assert set(document.get_tier_names()) == {"arousal", "power"}
        for target in recording.targets:
            found = sorted(document.get_annotation_data_for_tier(target))
            expected = [
                (round(1000 * a), round(1000 * b), label) for a, b, label in seconds(recording, target)
            ]
            assert [entry[:3] for entry in found] == expected
        (media,) = document.get_linked_files()
        assert Path(unquote(urlparse(media["MEDIA_URL"]).path)).is_file()


def test_praat_reads_every_interval(run: Path, recordings: list[Recording], tmp_path: Path) -> None:
    export(run, "textgrid", tmp_path)
    for recording, name in zip(recordings, named(recordings, ".TextGrid"), strict=True):
        grid = textgrid.openTextgrid(str(tmp_path / name), includeEmptyIntervals=False)
        assert grid.tierNames == tuple(recording.targets)
        for target in recording.targets:
            found = [tuple(entry) for entry in grid.getTier(target).entries]
            assert [label for _, _, label in found] == [label for _, _, label in seconds(recording, target)]
            times = [entry[:2] for entry in seconds(recording, target)]
            np.testing.assert_allclose([entry[:2] for entry in found], times, atol=1e-6)


def test_diarisation_tools_read_who_as_what(run: Path, recordings: list[Recording], tmp_path: Path) -> None:
    assert export(run, "rttm", tmp_path) == ["arousal.rttm", "power.rttm"]
    for target in ("arousal", "power"):
        annotations = load_rttm(tmp_path / f"{target}.rttm")
        for recording in recordings:
            spoken = [entry for entry in seconds(recording, target) if entry[2] != "no_speech"]
            if not spoken:
                assert all(recording.stream != unquote(name) for name in annotations)
                continue
            (found,) = [own for name, own in annotations.items() if unquote(name) == recording.stream]
            read = [(s.start, s.end, label) for s, _, label in found.itertracks(yield_label=True)]
            assert [entry[2] for entry in read] == [entry[2] for entry in spoken]
            np.testing.assert_allclose([e[:2] for e in read], [e[:2] for e in spoken], atol=1e-5)


def test_players_read_the_captions(run: Path, recordings: list[Recording], tmp_path: Path) -> None:
    export(run, "webvtt", tmp_path)
    for recording, name in zip(recordings, named(recordings, ".vtt"), strict=True):
        captions = webvtt.read(str(tmp_path / name)).captions
        for target in recording.targets:
            own = [caption for caption in captions if caption.text.startswith(f"{target}: ")]
            expected = seconds(recording, target)
            assert [caption.text.split()[1] for caption in own] == [label for _, _, label in expected]
            for caption, (start_s, stop_s, _) in zip(own, expected, strict=True):
                assert caption.start_in_seconds == int(start_s)
                assert caption.end_in_seconds == int(stop_s)


@pytest.mark.parametrize("table", ["states", "predictions"])
def test_pandas_reads_every_row_of_the_csv(run: Path, tmp_path: Path, table: str) -> None:
    assert export(run, "csv", tmp_path, table) == ["export.csv"]
    frame = pd.read_csv(tmp_path / "export.csv", keep_default_na=False)
    rows = [json.loads(line) for line in (run / f"{table}.jsonl").read_text().splitlines()]
    for target in ("arousal", "power"):
        own = frame[frame["target"] == target]
        expected = [row for row in rows if row["target"] == target]
        assert own["file"].tolist() == [row["stream"] for row in expected]
        assert own["stop_s"].tolist() == [row["stop_s"] for row in expected]
        assert own["label"].tolist() == [row["label"] or "" for row in expected]
        for label in ("quiet", "middling", "loud"):
            probabilities = pd.to_numeric(own[f"p_{label}"], errors="coerce").tolist()
            expected_p = [row["probabilities"].get(label, np.nan) for row in expected]
            np.testing.assert_array_equal(probabilities, expected_p)


def test_audformat_reads_every_state_with_its_scheme(run: Path, tmp_path: Path) -> None:
    assert export(run, "audformat", tmp_path) == ["db.arousal.parquet", "db.power.parquet", "db.yaml"]
    database = audformat.Database.load(str(tmp_path))
    frame = pd.read_parquet(run / "states.parquet")
    for target in ("arousal", "power"):
        own = frame[frame["target"] == target]
        found = database[target].df.loc[own.index]
        assert found["label"].astype(object).where(found["label"].notna(), None).tolist() == [
            None if pd.isna(label) else label for label in own["label"]
        ]
        np.testing.assert_allclose(found["confidence"].astype(float), own["confidence"].astype(float))
        assert audformat.index_type(found) == "segmented"


def test_the_same_run_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    for name in FORMATS:
        texts = []
        for attempt in ("one", "two"):
            out = tmp_path / attempt / name
            out.mkdir(parents=True)
            export(run, name, out)
            texts.append({path.name: path.read_bytes() for path in out.iterdir()})
        assert texts[0] == texts[1], name


def test_an_unfinished_run_is_refused(run: Path, tmp_path: Path) -> None:
    (tmp_path / "states.jsonl").write_bytes((run / "states.jsonl").read_bytes())
    with pytest.raises(InputError, match=r"holds no finished run, expected run.json and states.jsonl"):
        Run(tmp_path, "states")


def test_the_command_writes_each_format_into_a_folder_of_its_own(run: Path, tmp_path: Path) -> None:
    program = "from stimmung.engine.cli import main; main()"
    options = ["--format", "eaf", "--format", "rttm", "--out", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", program, "export", str(run), *options], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"3 files in {tmp_path / 'eaf'}\n2 files in {tmp_path / 'rttm'}\n"
    assert len(list((tmp_path / "eaf").iterdir())) == 3

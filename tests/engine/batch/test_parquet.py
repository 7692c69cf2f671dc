"""The Parquet tables say what the JSON lines say, under the index of audformat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import audformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from stimmung.engine.batch.replay import replay
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.types import Features
from support import RATE, acme, syllables


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    for number in range(2):
        soundfile.write(folder / f"{number}.wav", syllables(4.3, seed=number), RATE)
    soundfile.write(folder / "short.wav", syllables(0.2), RATE)
    replay([str(folder)], acme(), folder / "out", features=True)
    return folder


def rows(run: Path, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "out" / f"{table}.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("table", ["states", "predictions", "errors", "features"])
def test_every_table_has_the_index_of_audformat(run: Path, table: str) -> None:
    frame = pd.read_parquet(run / "out" / f"{table}.parquet")
    audformat.assert_index(frame.index)
    assert audformat.index_type(frame) == "segmented"


def test_a_state_is_the_same_in_both_forms(run: Path) -> None:
    frame = pd.read_parquet(run / "out" / "states.parquet")
    records = rows(run, "states")
    assert len(frame) == len(records) > 0
    for ((file, start, end), row), record in zip(frame.iterrows(), records, strict=True):
        assert (file, start, end) == (
            record["stream"],
            pd.Timedelta(seconds=record["start_s"]),
            pd.Timedelta(seconds=record["stop_s"]),
        )
        for name in ("target", "status", "label", "confidence", "voters"):
            assert row[name] == record[name]
        assert pd.isna(row["reason"])
        assert record["reason"] is None
        for label, probability in record["probabilities"].items():
            assert row[f"probability.{label}"] == probability
            assert row[f"votes.{label}"] == record["votes"][label]


def test_an_error_of_a_whole_file_has_no_times(run: Path) -> None:
    frame = pd.read_parquet(run / "out" / "errors.parquet")
    assert frame["error"].tolist() == [row["error"] for row in rows(run, "errors")]
    assert frame.index.get_level_values("file").tolist() == [f"{run}/short.wav"]
    assert frame.index.get_level_values("end").isna().all()


def test_features_are_those_of_the_engine_to_the_last_bit(run: Path) -> None:
    frame = pd.read_parquet(run / "out" / "features.parquet")
    expected = []
    with Host(acme()) as host:
        for name in ("0.wav", "1.wav"):
            (feed,) = open_source(str(run / name)).feeds()
            expected += [
                output
                for output in host.stream(name, features=True).play(feed.chunks)
                if isinstance(output, Features)
            ]
    for extractor in ("acme-loudness", "acme-level"):
        values = np.stack([output.values for output in expected if output.extractor == extractor])
        np.testing.assert_array_equal(np.stack(frame[extractor].tolist()), values)

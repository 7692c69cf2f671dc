"""Recipes whose rows are what a pipeline cuts from a recording between pauses."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from stimmung.engine.errors import ConfigError, InputError
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.evaluation.pooling import pooled
from stimmung.pretrain.features.extraction import FeatureTable
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.training.dataset import corpus_rows, read_items
from support import syllables
from tones import RATE

WriteRecipe = Callable[..., Path]
SPOKEN = 12
SEGMENTS = """
[segments]
kind = "windows"
window_s = 0.5
hop_s = 0.5
shortest_s = 0.5
[activity]
plugin = "webrtc"
min_speech = 0.3
"""


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    """Three speakers and two emotions in twelve recordings of 1.5 s; a silent one of the first."""
    folder = tmp_path / "spoken"
    folder.mkdir()
    lines = ["file,speaker,emotion"]
    for number in range(SPOKEN):
        voice = syllables(1.5, seed=number)
        soundfile.write(folder / f"{number}.wav", 0.5 * voice / np.abs(voice).max(), RATE)
        lines.append(f"{number}.wav,s{number % 3},{('anger', 'sadness')[number // 3 % 2]}")
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    lines.append("silent.wav,s0,anger")
    (folder / "corpus.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_recording_has_a_row_for_each_segment_with_speech(spoken: Path, recipe: WriteRecipe) -> None:
    read = read_recipe(recipe(SEGMENTS))
    rows = corpus_rows(read, read_items(read, spoken), None)
    count = np.bincount(rows.item, minlength=SPOKEN + 1)
    assert (count[:SPOKEN] >= 2).all()
    assert (count[:SPOKEN] <= 4).all()  # of 3 s with pauses; what is silent is no row
    assert count[SPOKEN] == 0
    assert rows.whole.all()
    assert (rows.speech_s > 0).all()


def test_what_is_heard_as_a_whole_if_nothing_is_heard_is_said_by_the_corpus(
    spoken: Path, recipe: WriteRecipe
) -> None:
    table = '[[corpora]]\nname = "spoken"\nwhole_if_unheard = true\n'
    read = read_recipe(recipe(table + SEGMENTS))
    rows = corpus_rows(read, read_items(read, spoken), None)
    assert np.count_nonzero(rows.item == SPOKEN) == 1


def test_a_recording_is_scored_once_and_one_without_speech_counted(
    spoken: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    report = evaluate(recipe(SEGMENTS), spoken, "loso", tmp_path / "out", cache=tmp_path / "cache")
    assert report["n"] == SPOKEN
    assert report["left_out"] == 1
    assert "No speech was heard in 1 of 13 recordings" in report["notes"][0]
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == [f"{number}.wav" for number in range(SPOKEN)]
    again = evaluate(recipe(SEGMENTS), spoken, "loso", tmp_path / "again", cache=tmp_path / "cache")
    assert again == report


def test_a_corpus_without_any_speech_is_refused(spoken: Path, recipe: WriteRecipe) -> None:
    (spoken / "corpus.csv").write_text("file,speaker,emotion\nsilent.wav,s0,anger\n")
    read = read_recipe(recipe(SEGMENTS))
    with pytest.raises(InputError, match="no speech is heard in any recording"):
        corpus_rows(read, read_items(read, spoken), None)


@pytest.mark.parametrize("extra", ["windows_s = [1.0]", "trim_s = 0.1"])
def test_segments_stand_alone(recipe: WriteRecipe, extra: str) -> None:
    with pytest.raises(ConfigError, match=r"has \[segments\] beside"):
        read_recipe(recipe(extra + SEGMENTS))


def test_activity_without_segments_is_refused(recipe: WriteRecipe) -> None:
    with pytest.raises(ConfigError, match=r"has \[activity\] but no \[segments\]"):
        read_recipe(recipe('[activity]\nplugin = "webrtc"\n'))


def test_rows_of_a_recording_are_averaged_by_what_is_spoken_in_them() -> None:
    rows = FeatureTable(
        (), [], np.array([0, 0, 0, 1]), np.array([0.0, 0.5, 0.0, 0.0]), 0.0, np.array([1.0, 0.5, 3.0, 2.0])
    )
    values = np.array([[[1.0, 0.0], [0.2, 0.8], [0.0, 1.0], [0.4, 0.6]]])
    units, averaged = pooled(rows, values)
    assert units.item.tolist() == [0, 0, 1]
    assert units.window_s.tolist() == [0.0, 0.5, 0.0]
    assert averaged[0].tolist() == [[0.25, 0.75], [0.2, 0.8], [0.4, 0.6]]


def test_one_row_for_each_recording_stays_as_it_is() -> None:
    rows = FeatureTable((), [], np.array([0, 1]), np.zeros(2), 0.0)
    values = np.array([[0.3, 0.7], [0.6, 0.4]], np.float32)
    assert pooled(rows, values)[1] is values

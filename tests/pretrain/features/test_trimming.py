"""Recordings trimmed to what is said in them, wherever they are trained or tested on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from stimmung.engine.errors import ConfigError
from stimmung.pretrain.corpora.corpus import Item
from stimmung.pretrain.evaluation.cross_validation import evaluate
from stimmung.pretrain.experiments.joint_representation.systems import CONFIGS
from stimmung.pretrain.features.audio import item_audio
from stimmung.pretrain.features.trimming import trimmed
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.training.dataset import corpus_rows, read_items, silent
from stimmung.samples import SPEECH
from tones import RATE

WriteRecipe = Callable[..., Path]
SILENT_S = 2.0
SPOKEN_S = 3.0
TRIM = "trim_s = 0.1"


@pytest.fixture
def spoken(corpus: Path) -> Path:
    """The corpus of tones with real speech in three recordings, two seconds of silence before and after."""
    samples, _ = soundfile.read(SPEECH, dtype="float32")
    silence = np.zeros(int(SILENT_S * RATE), np.float32)
    length = int(SPOKEN_S * RATE)
    for speaker in range(3):
        said = samples[speaker * length :][:length]
        soundfile.write(
            corpus.parent / f"{speaker}_anger_0.wav", np.concatenate([silence, said, silence]), RATE
        )
    return corpus


def items(recipe: Path, corpus: Path) -> dict[str, Item]:
    return {item.file.name: item for item in read_items(read_recipe(recipe), corpus).items}


def test_a_recording_is_heard_from_just_before_its_speech_to_just_after(
    spoken: Path, recipe: WriteRecipe
) -> None:
    for item in (items(recipe(TRIM), spoken)[f"{speaker}_anger_0.wav"] for speaker in range(3)):
        assert item.stop_s is not None
        assert SILENT_S - 0.11 <= item.start_s < SILENT_S + 0.4
        assert SILENT_S + SPOKEN_S - 0.6 < item.stop_s <= SILENT_S + SPOKEN_S + 0.5
        assert np.abs(item_audio(item, RATE)).max() > 0.1


def test_a_wider_margin_leaves_as_much_more(spoken: Path, recipe: WriteRecipe) -> None:
    narrow, wide = (items(recipe(f"trim_s = {s}"), spoken)["0_anger_0.wav"] for s in (0.1, 0.6))
    assert narrow.start_s - wide.start_s == pytest.approx(0.5)
    assert narrow.stop_s is not None
    assert wide.stop_s is not None
    assert wide.stop_s - narrow.stop_s == pytest.approx(0.5)


def test_a_recording_without_speech_is_heard_whole(spoken: Path, recipe: WriteRecipe) -> None:
    soundfile.write(spoken.parent / "3_anger_0.wav", np.zeros(RATE), RATE)
    item = items(recipe(TRIM), spoken)["3_anger_0.wav"]
    assert (item.start_s, item.stop_s) == (0.0, None)


def test_without_the_key_nothing_is_trimmed(spoken: Path, recipe: WriteRecipe) -> None:
    assert all((item.start_s, item.stop_s) == (0.0, None) for item in items(recipe(), spoken).values())


def test_a_part_of_a_file_is_trimmed_within_its_bounds(spoken: Path, recipe: WriteRecipe) -> None:
    labelled = read_items(read_recipe(recipe()), spoken)
    read = read_recipe(recipe(TRIM))
    (first,) = (item for item in labelled.items if item.file.name == "0_anger_0.wav")
    bounded = replace(labelled, items=(replace(first, start_s=1.0, stop_s=4.0),))
    (found,) = trimmed(read, bounded, silent).items
    assert SILENT_S - 0.11 <= found.start_s < SILENT_S + 0.4
    assert found.stop_s == pytest.approx(4.0, abs=0.3)


def test_features_are_those_of_the_speech_alone(spoken: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    read = read_recipe(recipe(TRIM))
    data = read_items(read, spoken)
    position = next(k for k, item in enumerate(data.items) if item.file.name == "0_anger_0.wav")
    kept = tmp_path / "kept"
    kept.mkdir()
    soundfile.write(kept / "0.wav", item_audio(data.items[position], RATE), RATE, subtype="FLOAT")
    alone = replace(data, items=(Item(kept / "0.wav", "s0", "anger"),))
    (expected,) = corpus_rows(read, alone, None).features
    (found,) = corpus_rows(read, data, None).features
    np.testing.assert_allclose(found[position], expected[0], atol=1e-5)


def test_an_evaluation_hears_as_many_hours_as_are_spoken(
    spoken: Path, recipe: WriteRecipe, tmp_path: Path
) -> None:
    whole = evaluate(recipe(), spoken, "loso", tmp_path / "whole")
    spoken_alone = evaluate(recipe(TRIM), spoken, "loso", tmp_path / "trimmed")
    assert spoken_alone["config"]["trim_s"] == 0.1
    assert "trim_s" not in whole["config"]
    assert (whole["hours"] - spoken_alone["hours"]) * 3600 > 3 * (2 * SILENT_S - 1)


def test_times_of_transcripts_are_those_of_whole_recordings(tmp_path: Path) -> None:
    shipped = (CONFIGS / "hsf_crnn_bert.toml").read_text("utf-8")
    path = tmp_path / "recipe.toml"
    path.write_text(f"{TRIM}\n{shipped}")
    with pytest.raises(ConfigError, match=r"got trim_s = 0\.1 and extractor 'bert'"):
        read_recipe(path)


def test_sentences_cannot_be_trimmed(spoken: Path, recipe: WriteRecipe) -> None:
    read = read_recipe(recipe(TRIM))
    labelled = read_items(read_recipe(recipe()), spoken)
    written = replace(labelled, items=tuple(replace(item, text="It is.") for item in labelled.items))
    with pytest.raises(ConfigError, match="has trim_s, got corpus 'tones', which holds no audio"):
        trimmed(read, written, silent)


def test_a_negative_margin_is_refused(recipe: WriteRecipe) -> None:
    with pytest.raises(ConfigError, match="trim_s"):
        read_recipe(recipe("trim_s = -0.1"))

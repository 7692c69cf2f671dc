"""Pretraining on a tiny network: it learns, its card is honest, and kill -9 changes nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from stimmung.engine.errors import ConfigError
from stimmung.engine.models.cards import load_card, verify
from stimmung.plugins.extract.sample_cnn import FILE, SampleCnn
from stimmung.pretrain.encoders.speech import pretrain, read_pretrain_recipe
from tones import ABOUT

RATE = 16000
RECIPE = """
name = "tiny"
crop_s = 0.25
[network]
filters = [4, 4, 8, 8]
local = 101
[augment]
shift = 0.2
gain_db = 6.0
speed = 0.05
snr_db = [20.0, 40.0]
[training]
epochs = 3
crops = 80
batch = 8
learning_rate = 0.01
held_out_speakers = 2
"""
# Ends its own process as kill -9 does, in the middle of the second epoch.
KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from stimmung.pretrain.encoders import speech
torch.set_num_threads(1)
step = speech.Task.training_step
def fatal(self, batch):
    if self.global_step == 15:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(self, batch)
speech.Task.training_step = fatal
recipe, corpus, out = map(Path, sys.argv[1:])
speech.pretrain(speech.read_pretrain_recipe(recipe), corpus, out)
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE + ABOUT)
    return path


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Low and high tones of ten speakers, a subset to train on and one to test."""
    folder = tmp_path / "speech"
    folder.mkdir()
    lines = ["file,speaker,gender,subset"]
    time_s = np.arange(RATE) / RATE
    for number in range(10):
        gender, hz = ("f", 2000 + 20 * number) if number % 2 else ("m", 300 + 5 * number)
        name = f"{number}.flac"
        tone = 0.2 * np.sin(2 * np.pi * hz * time_s) + 0.01 * np.random.default_rng(number).normal(size=RATE)
        soundfile.write(folder / name, tone, RATE)
        lines.append(f"{name},s{number},{gender},{'test-other' if number < 4 else 'train-clean-100'}")
    (folder / "corpus.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_a_training_that_was_killed_goes_on_exactly(tmp_path: Path, recipe_file: Path, speech: Path) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, recipe_file, speech, killed], capture_output=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    torch.set_num_threads(
        1
    )  # whatever ran here before: the last bits of sums depend on the number of threads
    recipe = read_pretrain_recipe(recipe_file)
    with pytest.raises(ConfigError, match="holds a training already; go on with --resume"):
        pretrain(recipe, speech, killed)
    assert not (killed / FILE).exists()
    pretrain(recipe, speech, killed, resume=True)
    pretrain(recipe, speech, whole)
    assert (killed / FILE).read_bytes() == (whole / FILE).read_bytes()
    assert load_card(killed).figures == load_card(whole).figures
    assert list((whole / "tensorboard").glob("*/events*"))

    card = load_card(whole)
    verify(whole, card)
    assert (card.plugin, card.labels, card.trained_on.speakers) == ("sample_cnn", ["f", "m"], 4)
    assert card.figures["accuracy of voices, 95 % interval"] == [1.0, 1.0]
    assert card.figures["accuracy of recordings"] == card.figures["accuracy of voices"] == 1.0
    low, high = card.figures["accuracy of crops of 0.25 s, 95 % interval"]
    assert 0.5 < low <= card.figures["accuracy of crops of 0.25 s"] <= high
    assert "test-other, whose speakers were never heard" in card.protocol
    assert card.recipe["training"]["crops"] == 80
    cnn = SampleCnn(str(whole))
    assert (cnn.hop, cnn.support, cnn.dim) == (27, 127, 16)


def test_a_speaker_may_not_be_trained_and_tested_on(tmp_path: Path, recipe_file: Path, speech: Path) -> None:
    table = (speech / "corpus.csv").read_text().replace("s0,", "s5,")
    (speech / "corpus.csv").write_text(table)
    with pytest.raises(ConfigError, match="the test subset has speakers of the training subset, got s5"):
        pretrain(read_pretrain_recipe(recipe_file), speech, tmp_path / "out")


def test_a_recipe_with_an_even_neighbourhood_is_refused(recipe_file: Path) -> None:
    recipe_file.write_text(recipe_file.read_text().replace("local = 101", "local = 100"))
    with pytest.raises(ConfigError, match=r"network\.local is even, got 100, expected an odd number"):
        read_pretrain_recipe(recipe_file)


def test_the_shipped_recipe_is_the_papers() -> None:
    recipe = read_pretrain_recipe(Path("configs/pretrain_sample_cnn.toml"))
    training = recipe.training
    assert (training.epochs, training.batch, training.learning_rate, training.dropout) == (10, 32, 0.001, 0.5)
    assert (recipe.crop_s, recipe.augment.shift, len(recipe.network.filters)) == (5.0, 0.2, 9)

"""A corpus of tones, what a model's card says about it, and recipes of networks small enough for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
PITCH_HZ = {"anger": 330.0, "happiness": 260.0, "neutral": 180.0, "sadness": 120.0}
ABOUT = """
[about]
corpus = "tones"
citation = "none"
corpus_licence = "none"
licence = "none"
intended_use = "tests"
limits = "tones are no speech"
"""
JOINT = """
name = "joint"
target = "emotion"
labels = ["anger", "happiness", "neutral", "sadness"]
windows_s = [0.6]
shortest_s = 0.4
protocol = "groups:2"
{above}
[[extractors]]
plugin = "{hearing}"
{others}
{transcript}
[classifier]
plugin = "{head}"
{options}
[network]
branches = {branches}
joint = [6]
missing = "{missing}"
[training]
epochs = 2
batch = 8
dev_speakers = 1
{training}
"""


def write_joint(folder: Path, **settings: str) -> Path:
    """A joint recipe for the tones in ``folder``; ``above`` to ``training`` are lines of its tables."""
    given = dict.fromkeys(("above", "others", "transcript", "options", "training"), "")
    path = folder / "joint.toml"
    path.write_text(JOINT.format(**{**given, "missing": "average", **settings}) + ABOUT)
    return path


def write_corpus(folder: Path, *, speakers: int, longer_s: float = 0.0) -> Path:
    """Tones of 0.5 to 0.9 s, or so much longer, with noise, and their corpus.csv."""
    folder.mkdir()
    noise = np.random.default_rng(0)
    lines = ["file,speaker,emotion"]
    for speaker in range(speakers):
        for label, pitch_hz in PITCH_HZ.items():
            for take in range(3):
                name = f"{speaker}_{label}_{take}.wav"
                time_s = np.arange(int(RATE * (0.5 + longer_s + 0.2 * take))) / RATE
                tone = sum(np.sin(2 * np.pi * k * (pitch_hz + 8 * speaker) * time_s) / k for k in (1, 2, 3))
                soundfile.write(folder / name, 0.1 * tone + 0.02 * noise.standard_normal(len(time_s)), RATE)
                lines.append(f"{name},s{speaker},{label}")
    path = folder / "corpus.csv"
    path.write_text("\n".join(lines) + "\n")
    return path

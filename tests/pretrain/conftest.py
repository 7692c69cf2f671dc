"""A small plugin and a small corpus, both real: installed and read like anybody's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tones import ABOUT, write_corpus

TOY = '''
import numpy as np
from stimmung.engine.plugin import hookimpl


class Toy:
    """Log energies of 20 bands every 10 ms; their means and deviations."""

    name, version, rate, dim, channels, hop, support = "toy", "1", 16000, 40, 20, 160, 400

    def describe(self, samples):
        count = max(0, (len(samples) - self.support) // self.hop + 1)
        frames = [samples[k * self.hop : k * self.hop + self.support] for k in range(count)]
        spectra = np.abs(np.fft.rfft(np.reshape(frames, (count, self.support)), axis=1))[:, :40]
        return np.log(spectra.reshape(count, 20, 2).sum(axis=2) + 1e-3).astype(np.float32)

    def summarise(self, rows):
        return np.stack([np.concatenate([r.mean(axis=0), r.std(axis=0)]) for r in rows])


@hookimpl
def stimmung_extractor():
    return Toy
'''

RECIPE = """
name = "toy_emotion"
target = "emotion"
labels = ["anger", "happiness", "neutral", "sadness"]
{extra}
[[extractors]]
plugin = "toy"
[classifier]
plugin = "svm"
c = {c}
"""

WriteRecipe = Callable[..., Path]


@pytest.fixture(autouse=True)
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extractor ``toy`` that is installed for the length of a test."""
    site = tmp_path / "site"
    info = site / "toy_extractor-1.dist-info"
    info.mkdir(parents=True)
    (site / "toy_extractor.py").write_text(TOY)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-extractor\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[stimmung]\ntoy = toy_extractor\n")
    monkeypatch.syspath_prepend(str(site))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Four speakers, four emotions, three tones each: a pitch for the emotion, a bit higher by speaker."""
    return write_corpus(tmp_path / "tones", speakers=4)


@pytest.fixture
def recipe(tmp_path: Path) -> WriteRecipe:
    """Writes a recipe for the tones; ``extra`` are further lines, ``c`` the machine's cost."""

    def write(extra: str = "", c: str = "0.01") -> Path:
        path = tmp_path / "recipe.toml"
        path.write_text(RECIPE.format(extra=extra, c=c) + ABOUT)
        return path

    return write

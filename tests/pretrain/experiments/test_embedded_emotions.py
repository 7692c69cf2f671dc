"""The whole report of the first paper, on corpora and networks small enough for a test."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from stimmung.engine.errors import ModelError
from stimmung.engine.models.cards import load_card
from stimmung.plugins.extract.life import Life
from stimmung.pretrain.cli.report import command
from stimmung.pretrain.encoders import life
from stimmung.pretrain.experiments.embedded_emotions import study
from stimmung.pretrain.statistics import metrics
from support import RATE, syllables
from tiny import save_bert, save_sample_cnn

SYSTEMS = ("SampleCNN", "SentenceBert", "DeepSpectrum", "LiFE")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder of corpora as they are published: ten speakers, thirty documents, a hundred lines."""
    root = tmp_path / "corpora"
    emodb, bank, xed = (root / name for name in ("emodb4", "emobank", "xed"))
    for folder in (emodb, bank, xed):
        folder.mkdir(parents=True)
    rows = ["file,speaker,emotion"]
    for speaker in range(4):
        for seed, emotion in enumerate(("anger", "happiness", "neutral", "sadness")):
            name = f"{speaker}_{emotion}.wav"
            level = np.float32((1.0, 0.8, 0.3, 0.1)[seed])
            soundfile.write(emodb / name, level * syllables(2.2, seed=10 * speaker + seed), RATE)
            rows.append(f"{name},{speaker},{emotion}")
    (emodb / "corpus.csv").write_text("\n".join(rows) + "\n")
    lines = ["id,split,V,A,D,text"]
    for number in range(90):
        text = f"{('how sad', 'it is', 'what a nice')[number % 3]} day {'and day ' * (number % 4)}"
        split = "dev" if number > 65 else "train"
        lines.append(f"d{number // 3}_{number}_1,{split},{number % 3},{number % 3},3,{text}")
    (bank / "emobank.csv").write_text("\n".join(lines) + "\n")
    said = [f"{('how sad', 'what a nice')[n % 2]} day {n}\t{(6, 5)[n % 2]}" for n in range(100)]
    for name in ("en-annotated.tsv", "de-projections.tsv"):
        (xed / name).write_text("\n".join(said) + "\n")
    (xed / "neu_en.txt").write_text("".join(f"9\tit is {n}\n" for n in range(50)))
    return root


def test_one_command_trains_evaluates_and_writes_the_table(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "UNITS", 4)
    monkeypatch.setattr(metrics, "uar_ci95", partial(metrics.uar_ci95, resamples=50))
    bert, cnn, out = save_bert(tmp_path / "bert"), save_sample_cnn(tmp_path / "cnn"), tmp_path / "docs"
    arguments = ["paper1", "--corpora", str(small), "--out", str(out), "--sample-cnn", str(cnn)]
    result = CliRunner().invoke(
        command, [*arguments, "--english", str(bert), "--german", str(bert)], catch_exceptions=False
    )
    assert result.exit_code == 0
    page = (out / "embedded_emotions.md").read_text(encoding="utf-8")
    for system in SYSTEMS:
        for target in ("arousal", "valence"):
            assert f"| {system} | {target} |" in page
    assert page.count("| 0.001 |") == 2
    assert "| XED de | valence | negative, positive |" in page
    assert "| XED en | valence | negative, neutral, positive |" in page
    assert str(tmp_path) not in page
    figures = json.loads((out / "embedded_emotions" / "figures.json").read_text())
    assert len(figures) == 4 + 2 * 3 + 2 * 2
    for entry in figures:
        low, high = entry["test"]["before_ci95"]
        assert 0 <= low <= entry["test"]["before"] <= high <= 1
        name = f"{entry['system']}_{entry['corpus']}_{entry['target']}.png".lower().replace(" ", "_")
        assert f"(embedded_emotions/{name})" in page
        assert (out / "embedded_emotions" / name).is_file()
    for target in ("arousal", "valence"):
        folder = out / f"life_emobank_{target}"
        assert load_card(folder).target == target
        assert Life(str(folder)).dim == 8


def test_a_bert_that_is_not_there_is_said_so_before_anything_is_computed(tmp_path: Path) -> None:
    (tmp_path / "corpora").mkdir()
    options = study.Options(tmp_path / "corpora", tmp_path / "out", german=str(tmp_path / "none"))
    with pytest.raises(ModelError, match="none"):
        study.run(options, lambda *_: None)

"""The notebook in the docs, typed into Python; what it shows is what comes back."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
import soundfile
from support import RATE, syllables
from test_readme import EMOTIONS, ROOT

PAGE = ROOT / "docs" / "notebook.md"


def test_the_notebook_gives_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "interviews").mkdir()
    soundfile.write(tmp_path / "interviews" / "one.wav", syllables(6.0), RATE)
    rows = ["file,speaker,emotion"]
    for speaker in range(3):
        for seed, emotion in enumerate(EMOTIONS):
            path = f"{speaker}{emotion}.wav"
            soundfile.write(tmp_path / path, syllables(1.4, seed=10 * seed + speaker), RATE)
            rows.append(f"{path},{speaker},{emotion}")
    (tmp_path / "corpus.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8").replace("```", "")
    shown = doctest.DocTestParser().get_doctest(page, {}, PAGE.name, str(PAGE), 0)
    assert len(shown.examples) > 30
    said: list[str] = []
    runner = doctest.DocTestRunner()
    runner.run(shown, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)

"""The notebook in the docs, typed into Python; what it shows is what comes back."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from reader import ROOT, settle

PAGE = ROOT / "docs" / "notebook.md"


def test_the_notebook_gives_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(tmp_path)
    monkeypatch.chdir(tmp_path)
    page = PAGE.read_text(encoding="utf-8").replace("```", "")
    shown = doctest.DocTestParser().get_doctest(page, {}, PAGE.name, str(PAGE), 0)
    assert len(shown.examples) > 30
    said: list[str] = []
    runner = doctest.DocTestRunner()
    runner.run(shown, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)

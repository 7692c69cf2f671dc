"""The page of cross-corpus figures says what its reports say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("report", "row"),
    [
        ("emodb4_to_ravdess", "| EmoDB → RAVDESS |"),
        ("ravdess_to_emodb4", "| RAVDESS → EmoDB |"),
    ],
)
def test_every_figure_is_that_of_the_report(report: str, row: str) -> None:
    figures = json.loads((DOCS / "cross_corpus" / f"{report}.json").read_text())
    lines = (DOCS / "cross_corpus.md").read_text(encoding="utf-8").splitlines()
    summary, recalls = [line for line in lines if line.startswith(row)]

    def shown(own: dict[str, float | list[float]], name: str) -> str:
        low, high = own[f"{name}_ci95"]  # type: ignore[misc]
        return f"{100 * own[name]:.1f} [{100 * low:.1f}, {100 * high:.1f}]"  # type: ignore[operator]

    cells = [shown(figures, name) for name in ("uar", "wa", "ece")]
    who = f"{figures['n']}, {figures['tested_speakers']}"
    assert summary == f"{row} {' | '.join([who, *cells])} |"
    of_each = [shown(figures["recalls"][label], "recall") for label in figures["labels"]]
    assert recalls == f"{row} {' | '.join(of_each)} |"

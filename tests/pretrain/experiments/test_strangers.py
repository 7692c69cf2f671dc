"""Tables of pipelines on strangers say what the reports say, and what is published is what was measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from stimmung.engine.errors import InputError
from stimmung.pretrain.experiments.strangers import page
from stimmung.pretrain.experiments.strangers.systems import CORPORA, SYSTEMS

ROOT = Path(__file__).parents[3]
CONDITIONS = ("plain", "live", "everyday_80", "everyday_95")


def figures(start: float) -> dict[str, Any]:
    """Figures that differ from each other, and more than a slim file keeps."""
    own: dict[str, Any] = {name: start + k / 100 for k, name in enumerate(page.FIGURES)}
    own |= {f"{name}_ci95": [own[name] - 0.01, own[name] + 0.01] for name in page.FIGURES}
    return {**own, "curve": [], "n": 3}


def report(recipe: bool, corpora: tuple[str, ...]) -> dict[str, Any]:
    """As ``evaluate`` writes it, with --model or of a recipe."""
    each = {name: figures(0.1 + 0.1 * k) for k, name in enumerate(corpora)}
    mean = {**figures(0.5), "corpora": len(corpora)}
    if recipe:
        return {name: {**figures(0.9), "per_corpus": each, "mean_of_corpora": mean} for name in CONDITIONS}
    return {
        **dict.fromkeys(CONDITIONS, mean),
        "read": figures(0.04),
        "per_corpus": {name: dict.fromkeys(CONDITIONS, own) for name, own in each.items()},
    }


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for system in SYSTEMS:
        corpora = ("emodb4", *CORPORA) if system.recipe else system.corpora
        folder = tmp_path / "runs" / system.name
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(json.dumps(report(system.recipe, corpora)), encoding="utf-8")
    return tmp_path / "runs"


def test_a_row_holds_the_mean_over_corpora_of_its_report(runs: Path) -> None:
    (row,) = [line for line in page.summary(page.gather(runs)) if line.startswith("| `default` |")]
    assert row == "| `default` | 50.0 | 50.0 | 51.0, 52.0 | 51.0, 52.0 | 51.0, 52.0 | 5.0 |"


def test_of_corpora_that_a_table_leaves_out_no_mean_is_told(runs: Path) -> None:
    found = page.gather(runs)["all_but_tested"]["live"]
    assert "emodb4" not in found
    assert found["mean"]["uar"] == pytest.approx((0.2 + 0.3 + 0.4 + 0.5 + 0.6) / 5)


def test_a_report_that_is_missing_is_an_error_that_says_how_to_make_it(runs: Path) -> None:
    (runs / "default" / "report.json").unlink()
    with pytest.raises(InputError, match=r"make it: stimmung evaluate --model default .* --out RUNS/default"):
        page.gather(runs)


def test_a_page_without_a_place_for_the_table_is_an_error(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "cross_corpus.md").write_text("# No place\n", encoding="utf-8")
    with pytest.raises(InputError, match="no place for the table"):
        page.write(page.gather(runs), tmp_path)


def test_the_published_tables_are_those_of_the_published_figures(tmp_path: Path) -> None:
    found = json.loads((ROOT / "docs" / page.FOLDER / page.FIGURES_FILE).read_text(encoding="utf-8"))
    for name in ("README.md", "docs/cross_corpus.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    page.write(found, tmp_path / "docs", tmp_path / "README.md")
    for name in ("README.md", "docs/cross_corpus.md", f"docs/{page.FOLDER}/{page.FIGURES_FILE}"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8")


def test_the_cards_of_the_models_say_the_same(tmp_path: Path) -> None:
    found = json.loads((ROOT / "docs" / page.FOLDER / page.FIGURES_FILE).read_text(encoding="utf-8"))
    models = shutil.copytree(ROOT / "models", tmp_path / "models")
    cards = page.on_cards(found, models)
    assert len(cards) == 3
    for card in cards:
        text = card.read_text(encoding="utf-8")
        assert text == (ROOT / "models" / card.parent.name / card.name).read_text(encoding="utf-8")
        assert "corpora never heard" in text


def test_every_command_that_is_published_names_the_report_it_makes() -> None:
    for system in SYSTEMS:
        assert system.command().endswith(f"--out RUNS/{system.name}")

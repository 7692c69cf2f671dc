"""Rows that are kept are those that would be made, and what is damaged counts as none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stimmung.pretrain.features import audio, extraction
from stimmung.pretrain.features.extraction import FeatureTable
from stimmung.pretrain.recipes.loading import read_recipe
from stimmung.pretrain.training.dataset import corpus_rows, read_items

WriteRecipe = Callable[..., Path]
TURNS = '[segments]\nkind = "turns"\nshortest_s = 0.3\nlongest_s = 2.0\n[activity]\nplugin = "webrtc"'


def same(one: FeatureTable, other: FeatureTable) -> bool:
    return (
        all(map(np.array_equal, one.features, other.features))
        and np.array_equal(one.item, other.item)
        and np.array_equal(one.window_s, other.window_s)
        and np.array_equal(one.speech_s, other.speech_s)
        and one.hours == other.hours
    )


@pytest.mark.parametrize("extra", ["windows_s = [0.5]", f"{TURNS}\n[augmentation]\ncopies = [0.9]"])
def test_what_is_kept_is_what_would_be_made_and_is_not_heard_again(
    extra: str, corpus: Path, recipe: WriteRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, cache = read_recipe(recipe(extra)), tmp_path / "cache"
    data = read_items(read, corpus)
    made = corpus_rows(read, data, None)
    corpus_rows(read, data, None, cache)

    def refuse(*_: object) -> None:
        raise AssertionError("a recording is heard again")

    monkeypatch.setattr(extraction, "heard", refuse)
    monkeypatch.setattr(audio, "open_source", refuse)
    kept = corpus_rows(read, data, None, cache)
    assert same(kept, made)
    assert [same(*pair) for pair in zip(kept.copies, made.copies, strict=True)] == [True] * len(made.copies)


def test_a_damaged_entry_is_none(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    read, cache = read_recipe(recipe()), tmp_path / "cache"
    data = read_items(read, corpus)
    made = corpus_rows(read, data, None, cache)
    entries = sorted((cache / "rows").rglob("*"))
    for at, path in enumerate(path for path in entries if path.is_file()):
        path.write_bytes([b"", path.read_bytes()[:-3], b"\x00" * 40, b"{}"][at % 4])
    assert same(corpus_rows(read, data, None, cache), made)


def test_other_segments_are_other_rows(corpus: Path, recipe: WriteRecipe, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    counts = []
    for extra in ("windows_s = [0.5]", "windows_s = [0.3]", "windows_s = [0.5]"):
        read = read_recipe(recipe(extra))
        counts.append(len(corpus_rows(read, read_items(read, corpus), None, cache).item))
    assert counts[0] == counts[2] != counts[1]

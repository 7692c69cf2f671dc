"""A second classifier over the same audio costs no extraction; a cache never gives what it should not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import acme_speech.level
import acme_speech.loudness
import pytest
import soundfile
from stimmung.engine.batch.replay import ExecutionOptions, replay
from stimmung.engine.config.schema import PipelineConfig
from support import RATE, acme, syllables

TABLES = ("states.jsonl", "predictions.parquet", "features.parquet", "errors.jsonl")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(3):
        soundfile.write(folder / f"{number}.wav", syllables(6.0, seed=number), RATE)
    (folder / "text.wav").write_text("no sound")
    return folder


class Extraction:
    """Forbids extraction when asked to, and counts it until then."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls, self.forbidden = 0, False
        for kind, method in (
            (acme_speech.loudness.Loudness, "describe"),
            (acme_speech.loudness.Loudness, "summarise"),
            (acme_speech.level.Level, "extract"),
        ):
            patch.setattr(kind, method, self._counted(getattr(kind, method)))

    def _counted(self, method: Any) -> Any:
        def counted(plugin: object, argument: Any) -> Any:
            assert not self.forbidden, "extracted again"
            self.calls += 1
            return method(plugin, argument)

        return counted


@pytest.fixture
def extraction(monkeypatch: pytest.MonkeyPatch) -> Extraction:
    return Extraction(monkeypatch)


def run(corpus: Path, out: Path, cache: Path | None, description: PipelineConfig) -> list[bytes]:
    replay([str(corpus)], description, out, features=True, execution=ExecutionOptions(cache=cache))
    return [(out / table).read_bytes() for table in TABLES]


def test_a_second_classifier_costs_no_extraction_and_gives_what_it_would_have(
    corpus: Path, tmp_path: Path, extraction: Extraction
) -> None:
    run(corpus, tmp_path / "first", tmp_path / "cache", acme())
    other = acme(classifiers=[{"plugin": "acme-loud", "target": "valence"}])
    expected = run(corpus, tmp_path / "plain", None, other)
    extraction.forbidden = True
    assert run(corpus, tmp_path / "cached", tmp_path / "cache", other) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"segments": {"window_s": 3.0}},
        {"activity": {"plugin": "acme-speaker", "min_speech": 0.2}},
        {"stream": {"rate": 16000}, "activity": None},
    ],
)
def test_another_cut_of_the_audio_is_extracted_anew(
    corpus: Path, tmp_path: Path, extraction: Extraction, changes: dict[str, Any]
) -> None:
    run(corpus, tmp_path / "first", tmp_path / "cache", acme())
    before = extraction.calls
    expected = run(corpus, tmp_path / "plain", None, acme(**changes))
    plain = extraction.calls - before
    assert run(corpus, tmp_path / "cached", tmp_path / "cache", acme(**changes)) == expected
    assert extraction.calls == before + 2 * plain


def test_another_version_of_a_plugin_is_asked_anew(
    corpus: Path, tmp_path: Path, extraction: Extraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(corpus, tmp_path / "first", tmp_path / "cache", acme())
    before = extraction.calls
    monkeypatch.setattr(acme_speech.level.Level, "version", "2")
    run(corpus, tmp_path / "second", tmp_path / "cache", acme())
    assert 0 < extraction.calls - before < before


def test_a_damaged_entry_is_none(corpus: Path, tmp_path: Path) -> None:
    expected = run(corpus, tmp_path / "first", tmp_path / "cache", acme())
    entries = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(entries) == 2 * 3
    entries[0].write_bytes(entries[0].read_bytes()[:-1])
    entries[1].write_bytes(b"")
    entries[2].write_bytes(entries[2].read_bytes().replace(b"\x00", b"\x01", 1))
    entries[3].write_bytes(b"0 0\n")
    entries[4].write_bytes(entries[4].read_bytes().replace(b"\n", b"x\n", 1))
    digest, count, rest = entries[5].read_bytes().split(b" ", 2)
    entries[5].write_bytes(b" ".join([digest, str(int(count) + 1).encode(), rest]))
    assert run(corpus, tmp_path / "again", tmp_path / "cache", acme()) == expected


def test_audio_that_changed_under_its_name_is_extracted_anew(
    corpus: Path, tmp_path: Path, extraction: Extraction
) -> None:
    run(corpus, tmp_path / "first", tmp_path / "cache", acme())
    before = extraction.calls
    soundfile.write(corpus / "0.wav", syllables(6.0, seed=9), RATE)
    run(corpus, tmp_path / "second", tmp_path / "cache", acme())
    assert 0 < extraction.calls - before < before // 2

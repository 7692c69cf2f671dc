"""Arousal and valence come from a table that covers every label of the corpora it names."""

from __future__ import annotations

from pathlib import Path

import pytest
from stimmung.engine.errors import ConfigError
from stimmung.pretrain.corpora.targets import Targets


def test_emotions_become_arousal_and_valence(tmp_path: Path) -> None:
    folder = tmp_path / "emodb4"
    folder.mkdir()
    rows = ["anger", "happiness", "neutral", "sadness"]
    for name in rows:
        (folder / f"{name}.wav").touch()
    (folder / "corpus.csv").write_text("file,speaker,emotion\n" + "".join(f"{n}.wav,s,{n}\n" for n in rows))
    arousal, levels = Targets().read(folder, "arousal")
    assert levels == ("low", "medium", "high")
    assert [item.label for item in arousal.items] == ["high", "high", "medium", "low"]
    valence, _ = Targets().read(folder / "corpus.csv", "valence")
    assert [item.label for item in valence.items] == ["low", "high", "medium", "low"]


def test_a_corpus_without_a_table_is_named() -> None:
    with pytest.raises(ConfigError, match=r"maps no arousal of corpus 'emodb5'; did you mean 'emodb4'\?"):
        Targets().mapping("emodb5", "arousal")
    with pytest.raises(ConfigError, match="maps no arousal of corpus 'xed'"):
        Targets().mapping("xed", "arousal")


@pytest.mark.parametrize("corpus", ["emodb4", "ravdess"])
@pytest.mark.parametrize("target", ["arousal", "valence"])
def test_every_label_of_a_real_corpus_is_in_the_table(corpora: Path, corpus: str, target: str) -> None:
    data, levels = Targets().read(corpora / corpus, target)
    assert {item.label for item in data.items} == set(levels) == {"low", "medium", "high"}

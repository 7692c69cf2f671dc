"""Real Vosk on real Korean, spoken by eSpeak: words, times, confidence, and the same ones every time."""

from __future__ import annotations

from pathlib import Path

import pytest
from korean import GRAMMAR, speak_korean
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Floats, Sentence, Word
from stimmung.plugins.transcribe.vosk import Vosk
from support import acme

RATE = 16_000


@pytest.fixture(scope="module")
def korean() -> Floats:
    return speak_korean()


def heard(samples: Floats, size: int) -> tuple[list[Sentence], list[Word], list[tuple[int, list[str]]]]:
    """(sentences, settled words, the guesses and where they were made)."""
    vosk = Vosk(None, language="ko", grammar=GRAMMAR)
    sentences, words, guesses = [], [], []
    for start in range(0, len(samples), size):
        sentences += vosk.hear(start, samples[start : start + size])
        told = vosk.words()
        words += told.settled
        guesses.append((start, [word.text for word in told.partial]))
        assert all(word.start >= told.watermark for word in told.partial)
        assert told.watermark <= start + size
    sentences += vosk.finish()
    return sentences, [*words, *vosk.words().settled], guesses


def test_words_are_recognised_with_times_and_confidence(korean: Floats) -> None:
    sentences, words, guesses = heard(korean, 1600)
    right = {word.text for word in words} & set(GRAMMAR[:7])
    assert len(right) >= 6, [word.text for word in words]
    assert all(0 <= word.start < word.stop <= len(korean) and 0 <= word.confidence <= 1 for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)
    assert [sentence.text.split()[0] for sentence in sentences] == ["안녕하세요", "행복"]
    assert sentences[0].stop < 4 * RATE < sentences[1].start or sentences[0].stop < sentences[1].start
    first = next(at for at, texts in guesses if "안녕하세요" in texts)
    assert first < sentences[0].stop, "a word is guessed before its sentence has settled"


def test_what_vosk_understands_depends_on_the_audio_alone(korean: Floats) -> None:
    sentences, words, _ = heard(korean, 1600)
    assert heard(korean, 9999)[:2] == (sentences, words)


def test_a_pipeline_without_its_model_is_refused_before_any_audio(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no Vosk model"):
        Host(acme(transcript={"plugin": "vosk", "model": str(tmp_path)}))


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no Vosk model, got no am/final.mdl in it; give the folder"):
        Vosk(None, model=str(tmp_path))


def test_offline_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    vosk = pytest.importorskip("vosk")

    def refuse(self: object, language: str) -> Path:
        raise OSError("no route to host")

    monkeypatch.setattr(vosk.Model, "get_model_by_lang", refuse)
    with pytest.raises(ModelError) as caught:
        Vosk(None, language="tlh")
    assert "no Vosk model of language 'tlh' is here" in str(caught.value)
    assert "go online once, or unpack one of https://alphacephei.com/vosk/models" in str(caught.value)


def test_without_the_library_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "vosk", None)
    with pytest.raises(ConfigError, match=r"vosk is not installed.*pip install 'stimmung\[text\]'"):
        Vosk(None, language="en")

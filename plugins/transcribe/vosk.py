"""Vosk: words while they are spoken (Povey et al. 2011, "The Kaldi speech recognition toolkit")."""

from __future__ import annotations

import atexit
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar
from zipfile import BadZipFile

import numpy as np
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.plugin import Transcriber, hookimpl
from stimmung.engine.types import Floats, Word

from .listening import Listening, Recognised, packaged
from .sentences import splitter

NAME = "vosk"
MODELS = "https://alphacephei.com/vosk/models"
FULL_SCALE = 32_768
WHOLE = "am/final.mdl"  # no Vosk model is without it


class Vosk(Listening):
    """Words with times and confidences as they are spoken; a pause of half a second ends a sentence.

    ``language``: that of the model, such as "en", "de" or "ko". The model is the package ``vosk_model_…``
    if one is installed, else Vosk's own small one, which the library downloads on first use. ``model``: the
    folder of another one. ``grammar``: the only words to expect. Raises ModelError when no model is in reach.
    """

    name = NAME
    example: ClassVar = {"language": "ko", "grammar": ["사람", "바다"]}

    def __init__(
        self, origin: Path | None, language: str = "en", model: str = "", grammar: Sequence[str] = ()
    ) -> None:
        loaded = _model(_folder(language, model))
        words = json.dumps(list(grammar), ensure_ascii=False) if grammar else ""
        super().__init__(partial(KaldiStretch, loaded, words, self.rate), splitter(language))

    @classmethod
    def prepare(cls, language: str = "en", model: str = "", grammar: Sequence[str] = ()) -> None:
        """Loads the model and the rules of sentences, which all streams share."""
        _model(_folder(language, model))
        splitter(language)


class KaldiStretch:
    """One recogniser from sample ``start`` on."""

    def __init__(self, model: Any, grammar: str, rate: int, start: int) -> None:
        import vosk

        arguments = (model, rate, grammar) if grammar else (model, rate)
        self._kaldi = vosk.KaldiRecognizer(*arguments)
        self._kaldi.SetWords(True)
        self._kaldi.SetPartialWords(True)
        self._rate, self._start, self._heard, self._told = rate, start, start, start
        # Kaldi adds noise of one bit against digital silence, another each time; this is the same each time.
        self._dither = np.random.default_rng(0).normal(0, 1, rate).astype(np.float32)

    def accept(self, samples: Floats) -> Recognised:
        """Takes (n,) more samples, full scale ±1."""
        noise = np.take(self._dither, np.arange(len(samples)) + self._heard - self._start, mode="wrap")
        pcm = np.clip(np.rint(samples * FULL_SCALE + noise), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
        self._heard += len(samples)
        if self._kaldi.AcceptWaveform(pcm.tobytes()):
            words = self._words(self._kaldi.Result())
            self._told = words[-1].stop if words else self._told
            return Recognised(words, self._told, paused=True)
        # A guess may still move, back to the end of what is settled.
        return Recognised((), self._told, partial=self._words(self._kaldi.PartialResult(), "partial_result"))

    def finish(self) -> Recognised:
        """The words of the utterance that was going on."""
        return Recognised(self._words(self._kaldi.FinalResult()), self._heard, paused=True)

    def _words(self, result: str, key: str = "result") -> tuple[Word, ...]:
        return tuple(
            Word(self._at(word["start"]), self._at(word["end"]), word["word"], min(1.0, word["conf"]))
            for word in json.loads(result).get(key, [])
        )

    def _at(self, position_s: float) -> int:
        return min(self._heard, self._start + round(position_s * self._rate))


def _folder(language: str, model: str) -> Path:
    """Where the model lies; one that is nowhere yet is downloaded by the library."""
    if model:
        return _whole(Path(model), "give the folder of an unpacked model")
    _check_library()
    found = packaged(f"vosk_model_{language.replace('-', '_')}")
    return _whole(found, "install that package again") if found is not None else _downloaded(language)


def _whole(folder: Path, remedy: str) -> Path:
    if not (folder / WHOLE).is_file():
        raise ModelError(
            f"'{folder}' is no Vosk model", got=f"no {WHOLE} in it", remedy=f"{remedy}, see {MODELS}"
        )
    return folder


def _check_library() -> None:
    try:
        import vosk
    except ImportError as error:
        raise ConfigError(
            "vosk is not installed", got=str(error), remedy="pip install 'stimmung[text]'"
        ) from error
    vosk.SetLogLevel(-1)


@cache
def _downloaded(language: str) -> Path:
    import vosk

    class Finder(vosk.Model):  # type: ignore[misc]
        """The library's search and download without its loading."""

        def __init__(self) -> None:
            pass

        def __del__(self) -> None:
            pass

    try:
        with contextlib.redirect_stdout(sys.stderr):
            return Path(Finder().get_model_by_lang(language))
    except (OSError, ValueError, BadZipFile, SystemExit) as error:
        offline = not isinstance(error, SystemExit)
        raise ModelError(
            f"no Vosk model of language '{language}' is here",
            got=type(error).__name__ if offline else "a language without a model",
            remedy=f"go online once, or unpack one of {MODELS} in ~/.cache/vosk, or give its folder as model",
        ) from None


@cache
def _model(folder: Path) -> Any:
    _check_library()
    import vosk

    return vosk.Model(str(_without_dither(folder)))


def _without_dither(folder: Path) -> Path:
    """The same model, in a folder of links, told to add no noise."""
    settings = folder / "conf" / "mfcc.conf"
    if not settings.is_file():
        return folder
    twin = Path(tempfile.mkdtemp(prefix="stimmung-vosk-"))
    atexit.register(shutil.rmtree, twin, ignore_errors=True)
    for path in folder.resolve().iterdir():
        if path.name != "conf":
            (twin / path.name).symlink_to(path)
    shutil.copytree(folder / "conf", twin / "conf")
    written = settings.read_text(encoding="utf-8")
    (twin / "conf" / "mfcc.conf").write_text(f"{written}\n--dither=0\n", encoding="utf-8")
    return twin


@hookimpl
def stimmung_transcriber() -> type[Transcriber]:
    """The transcriber of this plugin."""
    return Vosk

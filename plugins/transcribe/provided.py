"""Transcripts that exist already: beside the recording, or named by its corpus.

For ``talk.wav`` the first of talk.TextGrid, talk.ctm, talk.srt, talk.vtt, talk.csv, talk.tsv and talk.txt
is taken, those with the finest times first. With ``corpus`` the row of the recording decides: its
column holds the transcript itself or the path of one.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from pathlib import Path

import soundfile
from stimmung.engine.errors import InputError
from stimmung.engine.plugin import Transcriber, hookimpl
from stimmung.engine.types import Floats, Sentence

from .formats import READERS, Cue, read_transcript
from .sentences import check_language, split
from .timeline import sentences

NAME = "provided"
COLUMN = "transcript"

log = logging.getLogger("stimmung.transcript")


class Provided:
    """A finished transcript, said again sentence by sentence as the recording goes on.

    ``language`` of the sentences: "de" or "en". ``corpus``: a csv with the columns file and ``column``.
    ``notes`` say what had to be guessed; they are logged as warnings too. Raises InputError where there is no
    transcript, or it cannot be read.
    """

    api = 1
    name = NAME
    rate = 16000

    def __init__(
        self, origin: Path | None, language: str = "en", corpus: str = "", column: str = COLUMN
    ) -> None:
        check_language(language)
        if origin is None:
            raise InputError(
                f"transcriber '{NAME}' needs a recording that is a file",
                got="a stream without one",
                remedy="choose a transcriber that listens",
            )
        cues, notes = _named(origin, Path(corpus), column) if corpus else _beside(origin)
        timed, guessed = sentences(cues, lambda text: split(text, language), _duration_s(origin))
        self.notes = [f"'{origin}': {note}" for note in (*notes, *guessed)]
        for note in self.notes:
            log.warning(note)
        self._due = [
            Sentence(round(one.start_s * self.rate), round(one.stop_s * self.rate), one.text) for one in timed
        ]
        self._heard = 0

    def hear(self, start: int, samples: Floats) -> Sequence[Sentence]:
        """The sentences that end in the audio heard up to now."""
        self._heard = start + len(samples)
        return self._settled()

    def finish(self) -> Sequence[Sentence]:
        """The sentences that begin before the end of the audio, and end with it at the latest."""
        self._due = [
            Sentence(one.start, min(one.stop, self._heard), one.text)
            for one in self._due
            if one.start < self._heard
        ]
        return self._settled()

    def _settled(self) -> Sequence[Sentence]:
        settled = [one for one in self._due if one.stop <= self._heard]
        self._due = self._due[len(settled) :]
        return settled


def _beside(origin: Path) -> tuple[list[Cue], list[str]]:
    for suffix in READERS:
        for path in (origin.with_suffix(suffix), origin.with_suffix(".TextGrid")):
            if path.suffix.lower() == suffix and path.is_file():
                return read_transcript(path)
    raise InputError(
        f"no transcript beside '{origin}'",
        expected=f"{origin.stem} with one of {', '.join(READERS)}",
        remedy="put one there, or name a corpus with the option 'corpus'",
    )


def _named(origin: Path, corpus: Path, column: str) -> tuple[list[Cue], list[str]]:
    try:
        with corpus.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if (corpus.parent / (row.get("file") or "")).resolve() == origin.resolve():
                    return _told(row.get(column) or "", corpus, column)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read corpus '{corpus}'", got=str(error)) from error
    raise InputError(f"corpus '{corpus}' has no row for '{origin}'", expected="its path in the column 'file'")


def _told(cell: str, corpus: Path, column: str) -> tuple[list[Cue], list[str]]:
    path = corpus.parent / cell
    if path.suffix.lower() in READERS and path.is_file():
        return read_transcript(path)
    if not cell.strip():
        raise InputError(
            f"corpus '{corpus}' has an empty cell", expected=f"a transcript in column '{column}'"
        )
    return [Cue(" ".join(cell.split()))], []


def _duration_s(origin: Path) -> float:
    try:
        return float(soundfile.info(origin).duration)
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(f"cannot tell how long '{origin}' is", got=str(error)) from error


@hookimpl
def stimmung_transcriber() -> type[Transcriber]:
    """The transcriber of this plugin."""
    return Provided

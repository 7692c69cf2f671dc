"""Transcripts that exist already: beside the recording, or named by its corpus.

For ``talk.wav`` the first of talk.TextGrid, talk.ctm, talk.srt, talk.vtt, talk.csv, talk.tsv and talk.txt
is taken, those with the finest times first. With ``corpus`` the row of the recording decides: its
column holds the transcript itself or the path of one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

import soundfile
from stimmung.engine.errors import InputError
from stimmung.engine.plugin import Transcriber, hookimpl
from stimmung.engine.types import Floats, Sentence

from .corpus_table import located, read_table
from .formats import READERS, Cue, read_transcript
from .sentences import check_language, split
from .timeline import sentences

NAME = "provided"
COLUMN = "transcript"

log = logging.getLogger("stimmung.transcript")


class Script:
    """A transcript at hand, said again sentence by sentence as a recording of ``duration_s`` goes on.

    ``language`` of the sentences: "de" or "en". ``notes`` say what had to be guessed.
    """

    api = 1
    name = NAME
    rate = 16000

    def __init__(self, cues: Sequence[Cue], duration_s: float, language: str) -> None:
        timed, self.notes = sentences(cues, lambda text: split(text, language), duration_s)
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


class Provided(Script):
    """The transcript of the file ``origin``.

    ``language`` of the sentences: "de" or "en". ``corpus``: a csv with the columns file and ``column``.
    ``notes`` say what had to be guessed; they are logged as warnings too. Raises InputError where there is no
    transcript, or it cannot be read.
    """

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
        super().__init__(cues, duration_s(origin), language)
        self.notes = [f"'{origin}': {note}" for note in (*notes, *self.notes)]
        for note in self.notes:
            log.warning(note)


def beside(origin: Path) -> Path | None:
    """The transcript that lies beside a recording."""
    for suffix in READERS:
        for path in (origin.with_suffix(suffix), origin.with_suffix(".TextGrid")):
            if path.suffix.lower() == suffix and path.is_file():
                return path
    return None


def named(cell: str, folder: Path) -> Path | None:
    """The transcript that a corpus in ``folder`` names; None where the cell holds it itself.

    Raises InputError for one word that ends as transcripts do and is no file.
    """
    if PureWindowsPath(cell).suffix.lower() not in READERS:
        return None
    path = located(folder, cell)
    if path is None and len(cell.split()) == 1:
        raise InputError(
            "a corpus names a transcript that does not exist",
            got=f"'{cell}'",
            expected=f"what was said, or a path absolute or relative to '{folder}'",
        )
    return path


def duration_s(origin: Path) -> float:
    """How long a recording is; raises InputError."""
    try:
        return float(soundfile.info(origin).duration)
    except (soundfile.SoundFileError, OSError) as error:
        raise InputError(f"cannot tell how long '{origin}' is", got=str(error)) from error


def told(cell: str, folder: Path) -> tuple[list[Cue], list[str]]:
    """(the cues of a transcript that a corpus in ``folder`` holds or names, what had to be guessed)."""
    path = named(cell, folder)
    return ([Cue(" ".join(cell.split()))], []) if path is None else read_transcript(path)


def _beside(origin: Path) -> tuple[list[Cue], list[str]]:
    path = beside(origin)
    if path is None:
        raise InputError(
            f"no transcript beside '{origin}'",
            expected=f"{origin.stem} with one of {', '.join(READERS)}",
            remedy="put one there, or name a corpus with the option 'corpus'",
        )
    return read_transcript(path)


def _named(origin: Path, corpus: Path, column: str) -> tuple[list[Cue], list[str]]:
    for row in read_table(corpus).rows:
        file = located(corpus.parent, row.cells.get("file", ""))
        if file is not None and file.resolve() == origin.resolve():
            return _told(row.cells.get(column, ""), corpus, column)
    raise InputError(f"corpus '{corpus}' has no row for '{origin}'", expected="its path in the column 'file'")


def _told(cell: str, corpus: Path, column: str) -> tuple[list[Cue], list[str]]:
    if not cell.strip():
        raise InputError(
            f"corpus '{corpus}' has an empty cell", expected=f"a transcript in column '{column}'"
        )
    return told(cell, corpus.parent)


@hookimpl
def stimmung_transcriber() -> type[Transcriber]:
    """The transcriber of this plugin."""
    return Provided

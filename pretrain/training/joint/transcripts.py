"""What was said in the recordings of a corpus: as the corpus says, or as a transcriber hears it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stimmung.engine.calls.spec import prepared
from stimmung.engine.config.schema import PluginTable
from stimmung.engine.errors import ProtocolError
from stimmung.engine.plugin import Transcriber
from stimmung.engine.registry import build, check_options, load
from stimmung.engine.runtime.host import check_rate
from stimmung.plugins.transcribe.formats import Cue
from stimmung.plugins.transcribe.provided import Provided, Script, beside, duration_s, told
from stimmung.plugins.transcribe.sentences import check_language

from ...corpora.corpus import Corpus, Item


class Transcripts:
    """Transcribers of a corpus' recordings; "provided" tells what the corpus has, or lies beside them.

    Raises ConfigError for options that are unfit, ProtocolError where nothing is told of any recording.
    """

    def __init__(self, table: PluginTable, corpus: Corpus, rate: int) -> None:
        self._table, self._rate = table, rate
        kind = load("transcriber", table.plugin)
        options = check_options(kind, table.plugin, table.options, skip=1)
        self._language = options.get("language", "en")
        self._provided = kind is Provided and not options.get("corpus")
        if not self._provided:
            prepared(table)
            return
        check_language(self._language)
        if not any(_transcript(item) for item in corpus.items):
            raise ProtocolError(
                f"corpus '{corpus.name}' has no transcripts",
                got="a recipe that reads sentences",
                expected="a column transcript, or transcripts beside the recordings",
                remedy="choose a transcriber that listens",
            )

    def of(self, item: Item) -> Transcriber:
        """A fresh one for a recording; it says nothing where the corpus does not."""
        transcriber: Transcriber
        if self._provided:
            stop_s = duration_s(item.file) if item.stop_s is None else item.stop_s
            cell = _transcript(item)
            cues = [_at(item.speed, cue) for cue in told(cell, Path())[0]] if cell else []
            transcriber = Script(cues, (stop_s - item.start_s) / item.speed, self._language)
        else:
            transcriber = build("transcriber", self._table.plugin, self._table.options, item.file)
        check_rate(f"transcriber '{self._table.plugin}'", transcriber.rate, self._rate)
        return transcriber


def _at(speed: float, cue: Cue) -> Cue:
    """The same cue of a recording that is heard so many times as fast."""
    start_s, stop_s = (None if one is None else one / speed for one in (cue.start_s, cue.stop_s))
    return replace(cue, start_s=start_s, stop_s=stop_s)


def _transcript(item: Item) -> str:
    """What was said, or the path of a transcript: the corpus' own, or that beside a whole file."""
    if item.transcript.strip() or item.start_s or item.stop_s is not None:
        return item.transcript.strip()
    return str(beside(item.file) or "")

"""What classifiers with ``remember = true`` know of a named speaker, from one stream to the next."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..calls.spec import PluginSpec
from ..config.schema import ClassifierTable, PipelineConfig
from ..errors import ConfigError, InputError
from ..models.statistics import OffsetModel
from ..storage.speakers import About, Speakers, check_name
from ..streaming.speaker.offset import InferredOffset

log = logging.getLogger("stimmung.speakers")


class SpeakerMemory:
    """The offsets of one speaker, by classifier: they begin as they were left, and :meth:`keep` keeps them.

    Raises ConfigError where the name is unfit or no classifier of the pipeline remembers.
    """

    def __init__(self, speaker: str, description: PipelineConfig, facts: Mapping[str, PluginSpec]) -> None:
        self._speaker, self._store = check_speaker(speaker, description), Speakers()
        self.offsets: dict[str, InferredOffset] = {}
        self._abouts: dict[str, About] = {}
        self._recalled: set[str] = set()
        for table in _remembering(description):
            model = facts[table.name].offset
            if model is not None:  # else the pipeline was refused
                self._recall(table, model)

    def _recall(self, table: ClassifierTable, model: OffsetModel) -> None:
        offset, digest = InferredOffset(model), model.digest
        found = self._store.read(self._speaker, digest)
        if found is not None:
            about, state = found
            try:
                offset.filter.restore(state)
            except InputError as error:
                log.warning("what was remembered of '%s' counts as none: %s", self._speaker, error)
            else:
                offset.speech_s = about.speech_s
                self._recalled.add(table.name)
        name = Path(str(table.options.get("model", table.plugin))).name
        self.offsets[table.name] = offset
        self._abouts[table.name] = About(
            speaker=self._speaker, model=name, digest=digest, speech_s=offset.speech_s
        )

    def keep(self) -> None:
        """Writes what was learnt; where that cannot be, or it was forgotten meanwhile, a log line says so."""
        for name, offset in self.offsets.items():
            before = self._abouts[name]
            if offset.speech_s == before.speech_s:
                continue
            if name in self._recalled and not self._store.holds(self._speaker, before.digest):
                log.warning("'%s' was forgotten while the stream ran, and stays so", self._speaker)
                continue
            about = msgspec.structs.replace(before, speech_s=offset.speech_s, written=time.time())
            try:
                self._store.write(about, offset.filter.state())
            except OSError as error:
                log.error(
                    "what was learnt of '%s' is not kept: %s", self._speaker, error.strerror or str(error)
                )


def check_speaker(speaker: str, description: PipelineConfig) -> str:
    """The speaker's name; ConfigError where it is unfit, or where nothing would be remembered of them."""
    if not _remembering(description):
        raise ConfigError(
            f"the speaker '{speaker}' is named, but no classifier of this pipeline remembers anybody",
            remedy='add remember = true to one with normalise = "offset", or leave the name out',
        )
    return check_name(speaker)


def _remembering(description: PipelineConfig) -> list[ClassifierTable]:
    return [table for table in description.classifiers if table.remember]

"""A pipeline for notebooks and scripts: audio in, states out, and tables for pandas.

    from stimmung.engine import as_table, open_pipeline

    with open_pipeline("default") as pipeline:
        for state in pipeline.states("interview.wav"):
            print(state.span.stop_s, state.label, state.confidence)
        table = as_table(pipeline.predictions(samples, rate=48000))

What comes of a recording is what a replay or a live stream of it gives. Over a whole corpus
:func:`stimmung.engine.batch.replay.replay` goes on where it stopped and keeps errors in a table of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..calls.spec import PluginSpec
from ..config.schema import PipelineConfig, describe, load_description
from ..errors import InputError, PluginError
from ..plugin import Feed
from ..runtime.host import Host, open_source
from ..storage.records import record
from ..types import Chunk, EmotionState, Fault, Features, Output, Prediction

if TYPE_CHECKING:
    import pandas as pd

Audio = str | Path | npt.ArrayLike
CHUNK_S = 1.0


def open_pipeline(pipeline: str | Path | Mapping[str, Any] | PipelineConfig = "default") -> OpenPipeline:
    """The pipeline of that name, TOML file or tables, its plugins built; close it, or use ``with``.

    Raises ConfigError, ModelError or PluginError for what cannot run.
    """
    if isinstance(pipeline, Mapping):
        return OpenPipeline(describe(pipeline, "the pipeline"))
    if not isinstance(pipeline, PipelineConfig):
        pipeline = load_description(str(pipeline))
    return OpenPipeline(pipeline)


class OpenPipeline:
    """Built plugins, for any number of recordings one after the other; a context that closes them.

    ``audio`` is a path of a file, of a folder or of any source (``sample`` is the speech that ships), or an
    array with its ``rate`` in Hz: (n,) or (n, channels), floats of full scale ±1 or whole numbers of the
    full scale of their type. Every recording is a stream of its own. ``speaker`` names who is heard, see
    :meth:`.Host.stream`; what was learnt is kept once a recording was given to its end. Raises InputError for
    audio that cannot be used, after what came before the fault.
    """

    def __init__(self, description: PipelineConfig) -> None:
        self.description = description
        self._host = Host(description)

    @property
    def facts(self) -> Mapping[str, PluginSpec]:
        """What each plugin declares, by its name in the pipeline."""
        return self._host.bus.facts

    def states(self, audio: Audio, rate: int | None = None, *, speaker: str = "") -> Iterator[EmotionState]:
        """The states, each as soon as it is final; PluginError where a plugin failed."""
        events = self._sound(audio, rate, speaker=speaker)
        return (event for event in events if isinstance(event, EmotionState))

    def predictions(
        self, audio: Audio, rate: int | None = None, *, speaker: str = ""
    ) -> Iterator[Prediction]:
        """What the classifiers made of each segment; PluginError where a plugin failed."""
        events = self._sound(audio, rate, speaker=speaker)
        return (event for event in events if isinstance(event, Prediction))

    def features(self, audio: Audio, rate: int | None = None) -> Iterator[Features]:
        """What the extractors made of each segment; PluginError where a plugin failed."""
        events = self._sound(audio, rate, features=True)
        return (event for event in events if isinstance(event, Features))

    def play(
        self, audio: Audio, rate: int | None = None, *, features: bool = False, speaker: str = ""
    ) -> Iterator[Output]:
        """All that comes of the audio, in order; a Fault of :mod:`.types` where a plugin failed."""
        for feed in _feeds(audio, rate):
            stream = self._host.stream(feed.stream, origin=feed.origin, features=features, speaker=speaker)
            yield from stream.play(feed.chunks)

    def _sound(
        self, audio: Audio, rate: int | None, *, features: bool = False, speaker: str = ""
    ) -> Iterator[Output]:
        for event in self.play(audio, rate, features=features, speaker=speaker):
            if isinstance(event, Fault):
                where = f"{event.span.start_s:.3f} to {event.span.stop_s:.3f} s"
                raise PluginError(f"'{event.stream}' was given up at {where}", got=event.error)
            yield event

    def close(self) -> None:
        """Ends the plugins' workers."""
        self._host.close()

    def __enter__(self) -> OpenPipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def as_table(outputs: Iterable[Output]) -> pd.DataFrame:
    """States, predictions or features as a table with the index of audformat: file, start, end.

    States and predictions have the columns of a replay's Parquet tables; features one column a dimension,
    named ``hsf.0``, ``hsf.1``, … after the extractor. Raises InputError for a mixture of kinds.
    """
    from ..batch.parquet import prediction_table, state_table

    found = list(outputs)
    kinds = {type(output) for output in found}
    if kinds == {Features}:
        return _features_table([output for output in found if isinstance(output, Features)])
    if kinds == {Prediction}:
        return prediction_table([record(output) for output in found if isinstance(output, Prediction)])
    if kinds <= {EmotionState}:
        return state_table([record(output) for output in found if isinstance(output, EmotionState)])
    raise InputError(
        "a table holds one kind of output",
        got=", ".join(sorted(kind.__name__ for kind in kinds)),
        expected="states, predictions or features",
        remedy="choose with pipeline.states, .predictions or .features",
    )


def _features_table(found: list[Features]) -> pd.DataFrame:
    import pandas as pd

    from ..batch.parquet import INDEX, nanoseconds

    parts = []
    for extractor in dict.fromkeys(features.extractor for features in found):
        own = [features for features in found if features.extractor == extractor]
        values = np.stack([features.values for features in own])
        spans = [features.span for features in own]
        starts = [nanoseconds(span.start, span.rate) for span in spans]
        ends = [nanoseconds(span.stop, span.rate) for span in spans]
        times = [pd.to_timedelta(at, unit="ns") for at in (starts, ends)]
        index = pd.MultiIndex.from_arrays([[features.stream for features in own], *times], names=INDEX)
        parts.append(pd.DataFrame(values, index, [f"{extractor}.{n}" for n in range(values.shape[1])]))
    return parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)


def _feeds(audio: Audio, rate: int | None) -> Iterator[Feed]:
    if isinstance(audio, str | Path):
        yield from open_source(str(audio)).feeds()
    else:
        yield Feed("array", array_chunks(audio, rate))


def array_chunks(audio: npt.ArrayLike, rate: int | None) -> Iterator[Chunk]:
    """An array as a source delivers it; InputError where it is no audio."""
    samples = np.asarray(audio)
    if samples.ndim == 1:
        samples = samples[:, np.newaxis]
    if samples.ndim != 2 or samples.dtype.kind not in "fi" or not samples.size:
        raise InputError(
            "the array is not audio",
            got=f"{samples.dtype} of shape {np.shape(audio)}",
            expected="floats or signed whole numbers of shape (samples,) or (samples, channels)",
        )
    if rate is None:
        raise InputError("an array does not know its sampling rate", remedy="add rate=… in Hz")
    if samples.dtype.kind == "i":
        samples = samples / -float(np.iinfo(samples.dtype).min)
    size = round(CHUNK_S * rate)
    for start in range(0, len(samples), size):
        yield Chunk(samples[start : start + size].astype(np.float32), rate)

"""The plugin host: a description becomes a running bus, and any number of streams on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from stimmung.samples import SPEECH
from threadpoolctl import threadpool_limits

from ..audio.ingest import Intake
from ..calls.bus import Bus
from ..calls.instances import InstancePool, RemoteInstance
from ..calls.spec import prepared
from ..config.schema import PipelineConfig, PluginTable
from ..errors import ConfigError
from ..plugin import Detector, Sink, Source, Transcriber
from ..registry import Role, build, check_options, installed, load
from ..streaming.observer import Observer
from ..streaming.pipeline import NOBODY, NOTHING_LEARNT, Pipeline, PrecomputedFeatures
from ..streaming.stream import Stream
from ..streaming.validation import check
from ..transport.local_bus import LocalBus
from .memory import SpeakerMemory


class Host:
    """The built plugins of one pipeline description, shared by all streams; close it when done.

    Errors in the description, in a plugin or in how they fit are raised here, before any audio is
    read.
    """

    def __init__(self, description: PipelineConfig) -> None:
        self.description = description
        self._detector = _detector_factory(description)
        if description.transcript is not None and not description.transcript.apart:
            prepared(description.transcript)
        self.bus = _open_bus(description)
        self._instance_pools = _instance_pools(description, self.bus)
        # One thread a call, here as in a worker: results must not depend on the machine's cores. OpenBLAS
        # hears only the thread that told it last time, so workers in threads cannot see to it themselves.
        self._threads = threadpool_limits(1)
        try:
            for role, pool in self._instance_pools.items():
                check_rate(f"{role} '{pool.plugin}'", pool.facts[0].rate, description.stream.rate)
            check(description, self.bus.facts)
        except BaseException:
            self.close()
            raise

    def stream(
        self,
        name: str,
        *,
        origin: Path | None = None,
        features: bool = False,
        known: Mapping[str, PrecomputedFeatures] | None = None,
        observer: Observer = NOBODY,
        live: bool = False,
        speaker: str = "",
    ) -> Stream:
        """A fresh stream of that name, from raw chunks to outputs; ``origin`` is the file it is read from.

        Extractors in ``known`` are not asked: all their features of this very audio are there.
        ``observer`` looks on. ``live``: the states of one target do not wait for those of another, so their
        order among each other may vary. ``speaker`` names who is heard: classifiers with ``remember = true``
        begin with what was learnt of that speaker before, and what they have learnt is kept when the stream
        ends; without a name nothing is read or kept.
        Raises InputError where the pipeline's transcriber finds nothing to transcribe, ConfigError where the
        speaker's name is unfit or no classifier remembers.
        """
        memory = SpeakerMemory(speaker, self.description, self.bus.facts) if speaker else None
        pipeline = Pipeline(
            name,
            self.description,
            self.bus,
            self._take("detector", origin, live) or self._detector,
            self._take("transcriber", origin, live) or self._transcriber(origin),
            features=features,
            known=known or {},
            observer=observer,
            live=live,
            offsets=NOTHING_LEARNT if memory is None else memory.offsets,
        )
        table = self.description.stream
        intake = Intake(name, table.rate, keep_dc=table.dc == "keep")
        return Stream(intake, pipeline, None if memory is None else memory.keep)

    def _take(self, role: Role, origin: Path | None, live: bool) -> RemoteInstance | None:
        pool = self._instance_pools.get(role)
        if pool is None:
            return None
        instance = pool.take(None if origin is None else str(origin), live=live)
        if not live:
            instance.open(self.description.stream.rate)
        return instance

    def _transcriber(self, origin: Path | None) -> Callable[[], Transcriber] | None:
        table, rate = self.description.transcript, self.description.stream.rate
        if table is None or table.apart:
            return None

        def built() -> Transcriber:
            transcriber: Transcriber = build("transcriber", table.plugin, table.options, origin)
            check_rate(f"transcriber '{table.plugin}'", transcriber.rate, rate)
            return transcriber

        return built

    def rolling_restart(self) -> None:
        """Swaps every worker process for one that loads its plugin afresh; streams go on meanwhile."""
        self.bus.rolling_restart()

    @property
    def restarts(self) -> int:
        """How often a worker had to be started again."""
        return self.bus.restarts

    def close(self) -> None:
        """Ends the workers."""
        self.bus.close()
        self._threads.unregister()

    def __enter__(self) -> Host:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(spec: str, **options: Any) -> Source:
    """The source a user means: ``-``, ``NAME`` or ``NAME:REST`` for a plugin of that name, else a path.

    ``sample`` is the speech that ships with the project, unless a file is called so.
    """
    name = spec.partition(":")[0]
    if spec == "-":
        name = "pcm"
    elif spec == "sample" and not Path(spec).exists():
        name, spec = "file", str(_shortest(SPEECH))
    elif Path(spec).exists() or name not in installed():
        name = "file"
    source: Source = build("source", name, options, spec)
    return source


def _shortest(path: Path) -> Path:
    """The path from here where it lies below, the whole path elsewhere."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def open_sink(table: PluginTable) -> Sink:
    """A built sink."""
    sink: Sink = build("sink", table.plugin, table.options)
    return sink


def _instance_pools(description: PipelineConfig, bus: Bus) -> dict[Role, InstancePool]:
    """The processes of the detector and of the transcriber, if they have some."""
    found: dict[Role, InstancePool] = {}
    for role, table in description.listeners:
        facts = [one for one in bus.listeners.values() if one.kind == role]
        if facts:
            found[role] = InstancePool(bus, table.plugin, facts)
    return found


def _open_bus(description: PipelineConfig) -> Bus:
    listeners = [table for _, table in description.listeners]
    called = (*description.extractors, *description.classifiers, *listeners)
    if any(table.apart for table in called) and description.bus.transport == "local":
        from ..transport.hybrid_bus import HybridBus

        return HybridBus(description)
    if description.bus.transport == "local":
        return LocalBus(description)
    from ..transport.zmq_bus import ZmqBus  # a worker needs no host, and a local pipeline no ZeroMQ

    return ZmqBus(description)


def _detector_factory(description: PipelineConfig) -> Callable[[], Detector] | None:
    if description.activity is None or description.activity.detector.apart:
        return None
    table, rate = description.activity.detector, description.stream.rate
    kind = load("detector", table.plugin)
    options = check_options(kind, table.plugin, table.options)
    detector: Detector = kind(**options)
    check_rate(f"detector '{table.plugin}'", detector.rate, rate)
    return lambda: kind(**options)


def check_rate(what: str, works_at: int, rate: int) -> None:
    """Raises ConfigError when a plugin works at another rate than the stream."""
    if works_at != rate:
        raise ConfigError(
            f"{what} works at {works_at} Hz but this stream is {rate} Hz",
            remedy=f"set [stream] rate = {works_at}",
        )

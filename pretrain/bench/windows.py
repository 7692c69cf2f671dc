"""What descriptors once a stream save: overlapping windows through the engine, and each described anew."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from stimmung.engine.bench.throughput import chunks, one_core, speech
from stimmung.engine.config.schema import PipelineConfig, PluginTable, SegmentsTable, StreamTable
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import FrameExtractor
from stimmung.engine.registry import build
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Floats


def shares(extractor: str, window_s: float, hop_s: float, minutes: float, rounds: int) -> list[float]:
    """CPU time of windows through the engine over that of describing each window anew, round by round.

    Both run on one core and in turns. Raises ConfigError for an extractor that has no descriptors.
    """
    one_core()
    plugin = build("extractor", extractor, {})
    if not isinstance(plugin, FrameExtractor):
        raise ConfigError(f"extractor '{extractor}' has no descriptors", expected="a frame extractor")
    samples = speech("sample", plugin.rate, 60 * minutes)
    segments = SegmentsTable(window_s=window_s, hop_s=hop_s, shortest_s=window_s)
    description = PipelineConfig(
        stream=StreamTable(rate=plugin.rate),
        segments=segments,
        extractors=[PluginTable(plugin=extractor, name=extractor)],
    )
    with Host(description) as host:
        through_engine = partial(engine, host, samples)
        anew = partial(every_window, plugin, samples, window_s, hop_s)
        cpu_s(through_engine)
        cpu_s(anew)
        return [cpu_s(through_engine) / cpu_s(anew) for _ in range(rounds)]


def engine(host: Host, samples: Floats) -> None:
    """All windows of a stream, as a live one is heard."""
    for _ in host.stream("bench").play(chunks(samples, host.description.stream.rate)):
        pass


def every_window(plugin: FrameExtractor, samples: Floats, window_s: float, hop_s: float) -> None:
    """All windows of a stream, each as if nothing had been heard before."""
    window, hop = round(window_s * plugin.rate), round(hop_s * plugin.rate)
    for start in range(0, len(samples) - window + 1, hop):
        plugin.summarise([plugin.describe(samples[start : start + window])])


def cpu_s(work: Callable[[], object]) -> float:
    """Seconds this process computes."""
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


def summary(values: list[float]) -> str:
    """Median, minimum and maximum, in words."""
    return (
        f"median {statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f} "
        f"in {len(values)} rounds)"
    )

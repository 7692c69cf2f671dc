"""The audio of a recording as it is to be heard: the part of its file, its speed, what is done to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from stimmung.engine.audio.ingest import read_audio
from stimmung.engine.models.cards import content
from stimmung.engine.runtime.host import open_source
from stimmung.engine.types import Chunk, Floats

from ..corpora.corpus import Item


@dataclass(slots=True)
class Meter:
    """What went by: a digest of the samples as they were recorded, and their seconds."""

    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    seconds: float = 0.0

    def through(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """The same chunks."""
        for chunk in chunks:
            self.digest.update(chunk.samples.tobytes())
            self.seconds += len(chunk.samples) / chunk.rate
            yield chunk


def heard(item: Item, rate: int, meter: Meter | None = None) -> Iterator[Chunk]:
    """The recording at its own rate, or altered at ``rate`` Hz; the ``meter`` sees it before that."""
    (feed,) = open_source(str(item.file)).feeds()
    chunks = (meter or Meter()).through(part(feed.chunks, item))
    if item.alteration is None:
        yield from chunks
    else:
        samples = read_audio(replace(feed, chunks=chunks), rate)
        yield Chunk(item.alteration(samples, rate)[:, np.newaxis], rate)


def item_audio(item: Item, rate: int) -> Floats:
    """The samples of a recording, as a pipeline hears it."""
    (feed,) = open_source(str(item.file)).feeds()
    return read_audio(replace(feed, chunks=heard(item, rate)), rate)


def identity(item: Item) -> str:
    """What a recording as it is heard is known by, wherever its file lies."""
    own = f"{content(item.file)} {item.start_s} {item.stop_s}"
    if item.speed != 1:
        own += f" at {item.speed}"
    return own if item.alteration is None else f"{own} {item.alteration.key}"


def part(chunks: Iterable[Chunk], item: Item) -> Iterator[Chunk]:
    """The audio between the item's bounds, all of it where it has none, at its speed."""
    position = 0
    for chunk in chunks:
        start = round(item.start_s * chunk.rate) - position
        stop = len(chunk.samples) if item.stop_s is None else round(item.stop_s * chunk.rate) - position
        position += len(chunk.samples)
        samples = chunk.samples[max(0, start) : max(0, stop)]
        if len(samples):
            yield replace(chunk, samples=samples, start=None, rate=round(item.speed * chunk.rate))

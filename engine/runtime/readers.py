"""Feeds as they are read: a thread asks a source for them, and a thread reads each.

What is read, what ended it and what has become of its stream meet in a :class:`ActiveStream`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..errors import PluginError, StimmungError
from ..plugin import Feed, Source
from ..streaming.stream import Stream
from ..types import Chunk, Fault

log = logging.getLogger("stimmung.run")

PACED_CHUNK_MS = 100.0
QUEUE_CHUNKS = 256
FAULTS = 100  # kinds of one stream's faults that are told apart


@dataclass(eq=False)
class ActiveStream:
    """One feed from its announcement to its end.

    ``ending``: no more audio is taken. ``whole``: all of it was. ``error`` is what ended it early.
    """

    feed: Feed
    live: bool
    stream: Stream | None = None
    reader: Reader | None = None
    over: threading.Event = field(default_factory=threading.Event)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    ending: bool = False
    whole: bool = True
    error: Exception | None = None

    def note(self, fault: Fault) -> None:
        """Logs a fault the first time, and counts those that are the same."""
        kind = fault.plugin, fault.error
        if len(self.faults) >= FAULTS and kind not in self.faults:
            kind = fault.plugin, "in other ways"  # a stream of days must not remember every wording
        if not self.faults[kind]:
            log.error("%s: %s", fault.stream, fault.error)
        self.faults[kind] += 1

    def sum_up(self) -> None:
        """Logs how often each fault came again."""
        for (plugin, _), times in self.faults.items():
            if times > 1:
                log.error("%s: plugin '%s' failed in this way %d times", self.feed.stream, plugin, times)


class FeedWatcher:
    """Asks a source for its feeds, in a thread of its own, and announces itself when there are no more."""

    def __init__(
        self,
        source: Source,
        arriving: queue.SimpleQueue[ActiveStream | FeedWatcher],
        stirred: threading.Event,
    ) -> None:
        self.error: StimmungError | None = None
        self._source, self._arriving, self._stirred = source, arriving, stirred
        self._stopping = False

    def start(self) -> None:
        """Begins to ask."""
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """No further feed is wanted; a source that has a ``close`` is closed."""
        self._stopping = True
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

    def _watch(self) -> None:
        live = is_live(self._source)
        try:
            for feed in self._source.feeds():
                active = ActiveStream(feed, live)
                self._arriving.put(active)
                self._stirred.set()
                if not live:
                    active.over.wait()
                if self._stopping:
                    return
        except Exception as error:  # handed to the thread that computes, which raises it
            self.error = error if isinstance(error, StimmungError) else blame(self._source.name, error)
        finally:
            self._arriving.put(self)
            self._stirred.set()


class Reader:
    """Reads chunks in a thread; ``chunks`` gives them, then None at the end or the error that ended them."""

    def __init__(self, chunks: Iterable[Chunk], stirred: threading.Event) -> None:
        self.chunks: queue.Queue[Chunk | Exception | None] = queue.Queue(QUEUE_CHUNKS)
        self._stirred = stirred
        threading.Thread(target=self._read, args=(chunks,), daemon=True).start()

    def _read(self, chunks: Iterable[Chunk]) -> None:
        last: Exception | None = None
        try:
            for chunk in chunks:
                self.chunks.put(chunk)
                self._stirred.set()
        except Exception as error:  # handed to the stream's own thread, which ends the stream with it
            last = error
        self.chunks.put(last)
        self._stirred.set()


def is_live(source: Source) -> bool:
    """True for audio that comes when it is spoken, from as many as speak: it is never paced."""
    return getattr(source, "live", False)


def pace(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The same chunks, none before its last sample would have been heard."""
    began_s = time.monotonic()
    heard = 0
    for chunk in chunks:
        heard = (heard if chunk.start is None else chunk.start) + len(chunk.samples)
        time.sleep(max(0.0, began_s + heard / chunk.rate - time.monotonic()))
        yield chunk


def blame(what: str, error: Exception) -> PluginError:
    """What ended a stream or a source, as an error of the plugin ``what``."""
    return PluginError(
        f"{what} failed", got=f"{type(error).__name__}: {error}", remedy="see which plugin raised it"
    )

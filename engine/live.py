"""Runs feeds as they come: a thread reads, the caller's thread computes, sinks get each event at once.

Pacing decides when audio arrives, never what is made of it: ``--speed 1`` and ``--speed max`` give the
same states.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from .errors import InputError
from .host import Host
from .plugin import Feed, Sink
from .types import Chunk, Fault, Features, Output

log = logging.getLogger("stimmung.run")

PACED_CHUNK_MS = 100.0
QUEUE_CHUNKS = 256
TURN_S = 0.005


def run(host: Host, feeds: Iterable[Feed], sinks: Sequence[Sink], *, paced: bool) -> int:
    """Plays every feed into every sink; returns how many feeds or segments failed.

    What fails in the same way again is a line the first time, and counted in another at the end.
    """
    failures = 0
    for feed in feeds:
        faults = Counter[tuple[str, str]]()
        try:
            for output in play(host, feed, paced=paced):
                if isinstance(output, Fault):
                    if not faults[output.plugin, output.error]:
                        log.error("%s: %s", output.stream, output.error)
                    faults[output.plugin, output.error] += 1
                elif not isinstance(output, Features):
                    for sink in sinks:
                        sink.write(output)
        except InputError as error:
            failures += 1
            log.error("%s", error)
        failures += faults.total()
        for (plugin, _), times in faults.items():
            if times > 1:
                log.error("%s: plugin '%s' failed in this way %d times", feed.stream, plugin, times)
    return failures


def play(host: Host, feed: Feed, *, paced: bool) -> Iterator[Output]:
    """All that comes of one feed; answers are taken while the next chunk is awaited."""
    reader = Reader(pace(feed.chunks) if paced else feed.chunks)
    stream = host.stream(feed.stream, origin=feed.origin)
    while True:
        try:
            chunk = reader.chunks.get(timeout=TURN_S)
        except queue.Empty:
            yield from stream.pump()
            continue
        if chunk is None:
            break
        if isinstance(chunk, Exception):
            yield from stream.close()
            raise chunk
        yield from stream.push(chunk)
    yield from stream.finish()


def pace(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The same chunks, none before its last sample would have been heard."""
    began_s = time.monotonic()
    heard = 0
    for chunk in chunks:
        heard = (heard if chunk.start is None else chunk.start) + len(chunk.samples)
        time.sleep(max(0.0, began_s + heard / chunk.rate - time.monotonic()))
        yield chunk


class Reader:
    """Reads chunks in a thread; ``chunks`` gives them, then None at the end or the error that ended them."""

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self.chunks: queue.Queue[Chunk | Exception | None] = queue.Queue(QUEUE_CHUNKS)
        threading.Thread(target=self._read, args=(chunks,), daemon=True).start()

    def _read(self, chunks: Iterable[Chunk]) -> None:
        try:
            for chunk in chunks:
                self.chunks.put(chunk)
        except Exception as error:  # handed to the stream's own thread, which raises it
            self.chunks.put(error)
        else:
            self.chunks.put(None)

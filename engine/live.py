"""Runs sources as they come: a thread reads each feed, the caller's computes, observers are told at once.

Pacing decides when audio arrives, never what is made of it: ``--speed 1`` and ``--speed max`` give the
same states. The feeds of one source follow each other, or run side by side where the source says that
it is ``live``; those of several sources always run side by side, each with a state of its own.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from .errors import PluginError, StimmungError
from .host import Host
from .observer import Observer, Observers
from .plugin import Feed, Sink, Source
from .recording import Recorder
from .stream import Stream
from .types import Chunk, Fault, Features, Output

log = logging.getLogger("stimmung.run")

PACED_CHUNK_MS = 100.0
QUEUE_CHUNKS = 256
TURN_S = 0.005
FAULTS = 100  # kinds of one stream's faults that are told apart
CHUNKS_A_TURN = 8  # of one stream, before the others have their turn


class Live:
    """Plays sources until they end or :meth:`stop` is called; everything but reading is done in one thread.

    With a ``recorder`` everything is kept on the disk too.
    """

    def __init__(
        self,
        host: Host,
        observers: Sequence[Observer],
        *,
        paced: bool = False,
        recorder: Recorder | None = None,
    ) -> None:
        self._host, self._recorder, self._paced = host, recorder, paced
        self._observer = Observers([*filter(None, [recorder]), *observers])
        self._stirred, self._stopping = threading.Event(), False
        self._arriving: queue.SimpleQueue[Voice | Announcer] = queue.SimpleQueue()
        self._voices: list[Voice] = []
        self._reading = 0
        self.failures = 0

    def run(self, sources: Iterable[Source]) -> int:
        """Plays every source to its end; returns how many feeds or segments failed, each logged in a line,
        what fails in the same way again once more with its number.

        The error of a source that is alone is raised, not logged.
        """
        announcers = [Announcer(source, self._arriving, self._stirred) for source in sources]
        self._reading = len(announcers)
        for announcer in announcers:
            announcer.start()
        try:
            while (self._reading or self._voices) and not self._stopping:
                self._welcome(alone=len(announcers) == 1)
                busy = [self._turn(voice) for voice in [*self._voices]]
                self._observer.turned()
                if not any(busy):
                    self._stirred.wait(TURN_S)
                    self._stirred.clear()
        finally:
            for announcer in announcers:
                announcer.stop()
            for voice in [*self._voices]:
                self._end(voice)
            self._observer.turned()
        return self.failures

    def stop(self) -> None:
        """Ends every stream where it is, tail included; may be called from any thread or signal handler."""
        self._stopping = True  # and no event: setting one in a handler may deadlock

    def _welcome(self, *, alone: bool) -> None:
        """Takes in the feeds that were announced since, and notes the sources that have no more."""
        while not self._arriving.empty():
            arrival = self._arriving.get()
            if isinstance(arrival, Voice):
                self._open(arrival)
                continue
            self._reading -= 1
            if arrival.error is not None and alone:
                raise arrival.error
            if arrival.error is not None:
                self._report(arrival.error)

    def _open(self, voice: Voice) -> None:
        feed = replace(voice.feed, stream=self._unique(voice.feed.stream))
        try:
            voice.stream = self._host.stream(
                feed.stream, origin=feed.origin, observer=self._observer, live=self._paced or voice.live
            )
        except StimmungError as error:
            self._report(error)
            voice.over.set()
            return
        if self._recorder is not None:
            feed = self._recorder.record(feed)
        self._observer.began(feed, voice.stream)
        paced = self._paced and not voice.live
        voice.reader = Reader(pace(feed.chunks) if paced else feed.chunks, self._stirred)
        self._voices.append(voice)

    def _unique(self, name: str) -> str:
        """The name, numbered where a stream that still runs has it."""
        taken = {voice.stream.pipeline.stream for voice in self._voices if voice.stream is not None}
        names = (f"{name} ({number})" if number > 1 else name for number in count(1))
        return next(one for one in names if one not in taken)

    def _turn(self, voice: Voice) -> bool:
        """Deals with what has arrived of one stream; False if nothing had."""
        assert voice.stream is not None
        assert voice.reader is not None
        self._emit(voice, voice.stream.pump())
        for taken in range(CHUNKS_A_TURN):
            try:
                chunk = voice.reader.chunks.get_nowait()
            except queue.Empty:
                return taken > 0
            if chunk is None or isinstance(chunk, Exception):
                self._end(voice, chunk)
                break
            self._observer.took(voice.stream.pipeline.stream, chunk)
            error = self._emit(voice, voice.stream.push(chunk))
            if error is not None:
                self._end(voice, error)
                break
        return True

    def _end(self, voice: Voice, error: Exception | None = None) -> None:
        assert voice.stream is not None
        self._voices.remove(voice)
        stream, stopped = voice.stream, self._stopping
        failure = self._emit(voice, stream.close() if error or stopped else stream.finish())
        error = error or failure  # what failed once may fail again on the tail
        told = None if error is None else _as_ours(stream, error)
        if told is not None:
            self._report(told)
        voice.sum_up()
        self._observer.ended(stream, told)
        voice.over.set()

    def _emit(self, voice: Voice, outputs: Iterable[Output]) -> Exception | None:
        """Tells of what a stream gives, until it gives no more; the error that ended it."""
        given = iter(outputs)
        while True:
            try:
                output = next(given)
            except StopIteration:
                return None
            except Exception as raised:  # whatever ends a stream ends it alone
                return raised
            if isinstance(output, Fault):
                self.failures += 1
                voice.note(output)
            self._observer.emitted(output)

    def _report(self, error: StimmungError) -> None:
        self.failures += 1
        log.error("%s", error)


@dataclass(eq=False)
class Voice:
    """One feed from its announcement to its end."""

    feed: Feed
    live: bool
    stream: Stream | None = None
    reader: Reader | None = None
    over: threading.Event = field(default_factory=threading.Event)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)

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


class Announcer:
    """Asks a source for its feeds, in a thread of its own, and announces itself when there are no more."""

    def __init__(
        self, source: Source, arriving: queue.SimpleQueue[Voice | Announcer], stirred: threading.Event
    ) -> None:
        self.error: StimmungError | None = None
        self._source, self._arriving, self._stirred = source, arriving, stirred
        self._stopping = False
        self._voice: Voice | None = None

    def start(self) -> None:
        """Begins to ask."""
        threading.Thread(target=self._announce, daemon=True).start()

    def stop(self) -> None:
        """No further feed is wanted; a source that has a ``close`` is closed."""
        self._stopping = True
        close = getattr(self._source, "close", None)
        if close is not None:
            close()

    def _announce(self) -> None:
        live = is_live(self._source)
        try:
            for feed in self._source.feeds():
                voice = Voice(feed, live)
                self._arriving.put(voice)
                self._stirred.set()
                if not live:
                    voice.over.wait()
                if self._stopping:
                    return
        except Exception as error:  # handed to the thread that computes, which raises it
            self.error = error if isinstance(error, StimmungError) else _blame(self._source.name, error)
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


class ToSinks(Observer):
    """Gives states and predictions to sinks."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def emitted(self, output: Output) -> None:
        if not isinstance(output, Fault | Features):
            for sink in self._sinks:
                sink.write(output)


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


def _as_ours(stream: Stream, error: Exception) -> StimmungError:
    if isinstance(error, StimmungError):
        return error
    return _blame(f"stream '{stream.pipeline.stream}'", error)


def _blame(what: str, error: Exception) -> PluginError:
    return PluginError(
        f"{what} failed", got=f"{type(error).__name__}: {error}", remedy="see which plugin raised it"
    )

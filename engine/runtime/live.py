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
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from ..errors import StimmungError
from ..plugin import Sink, Source
from ..storage.recorder import Recorder
from ..streaming.observer import Observer, Observers
from ..streaming.stream import Stream
from ..types import Fault, Features, Output
from .host import Host
from .memory import check_speaker
from .readers import ActiveStream, FeedWatcher, Reader, blame, pace

log = logging.getLogger("stimmung.run")

TURN_S = 0.005
CHUNKS_A_TURN = 8  # of one stream, before the others have their turn


class Live:
    """Plays sources until they end or :meth:`stop` is called; everything but reading is done in one thread.

    With a ``recorder`` everything is kept on the disk too. ``speaker`` names who is heard on every stream,
    see :meth:`.Host.stream`; raises ConfigError where the name is unfit or no classifier remembers.
    """

    def __init__(
        self,
        host: Host,
        observers: Sequence[Observer],
        *,
        paced: bool = False,
        recorder: Recorder | None = None,
        speaker: str = "",
    ) -> None:
        if speaker:
            check_speaker(speaker, host.description)
        self._host, self._recorder, self._paced, self._speaker = host, recorder, paced, speaker
        self._observer = Observers([*filter(None, [recorder]), *observers])
        self._stirred, self._stopping = threading.Event(), False
        self._arriving: queue.SimpleQueue[ActiveStream | FeedWatcher] = queue.SimpleQueue()
        self._active: list[ActiveStream] = []
        self._reading = 0
        self.failures = 0

    def run(self, sources: Iterable[Source]) -> int:
        """Plays every source to its end; returns how many feeds or segments failed, each logged in a line,
        what fails in the same way again once more with its number.

        The error of a source that is alone is raised, not logged.
        """
        watchers = [FeedWatcher(source, self._arriving, self._stirred) for source in sources]
        self._reading = len(watchers)
        for watcher in watchers:
            watcher.start()
        try:
            while (self._reading or self._active) and not self._stopping:
                self._welcome(alone=len(watchers) == 1)
                self._turn()
        finally:
            for watcher in watchers:
                watcher.stop()
            self._end_all()
        return self.failures

    def stop(self) -> None:
        """Ends every stream where it is, tail included; may be called from any thread or signal handler."""
        self._stopping = True  # and no event: setting one in a handler may deadlock

    def _welcome(self, *, alone: bool) -> None:
        """Takes in the feeds that were announced since, and notes the sources that have no more."""
        while not self._arriving.empty():
            arrival = self._arriving.get()
            if isinstance(arrival, ActiveStream):
                self._open(arrival)
                continue
            self._reading -= 1
            if arrival.error is not None and alone:
                raise arrival.error
            if arrival.error is not None:
                self._report(arrival.error)

    def _open(self, active: ActiveStream) -> None:
        feed = replace(active.feed, stream=self._unique(active.feed.stream))
        try:
            active.stream = self._host.stream(
                feed.stream,
                origin=feed.origin,
                observer=self._observer,
                live=self._paced or active.live,
                speaker=self._speaker,
            )
        except StimmungError as error:
            self._report(error)
            active.over.set()
            return
        if self._recorder is not None:
            feed = self._recorder.record(feed)
        self._observer.began(feed, active.stream.info)
        paced = self._paced and not active.live
        active.reader = Reader(pace(feed.chunks) if paced else feed.chunks, self._stirred)
        self._active.append(active)

    def _unique(self, name: str) -> str:
        """The name, numbered where a stream that still runs has it."""
        taken = {active.stream.pipeline.stream for active in self._active if active.stream is not None}
        names = (f"{name} ({number})" if number > 1 else name for number in count(1))
        return next(one for one in names if one not in taken)

    def _turn(self) -> None:
        """Deals with what has arrived of every stream, or waits a little for something to arrive."""
        busy = [self._serve(active) for active in [*self._active]]
        self._observer.turned()
        if not any(busy):
            self._stirred.wait(TURN_S)
            self._stirred.clear()

    def _serve(self, active: ActiveStream) -> bool:
        """Deals with what has arrived of one stream; False if nothing had."""
        assert active.stream is not None
        assert active.reader is not None
        failure = self._emit(active, active.stream.pump())
        if active.ending:
            return self._close(active, failure)
        if failure is not None:
            self._end(active, failure)
            return True
        for taken in range(CHUNKS_A_TURN):
            try:
                chunk = active.reader.chunks.get_nowait()
            except queue.Empty:
                return taken > 0
            if chunk is None or isinstance(chunk, Exception):
                self._end(active, chunk)
                break
            self._observer.took(active.stream.pipeline.stream, chunk)
            error = self._emit(active, active.stream.push(chunk))
            if error is not None:
                self._end(active, error)
                break
        return True

    def _end(self, active: ActiveStream, error: Exception | None = None) -> None:
        """Cuts the tail; its answers are taken in turn with what comes of the other streams."""
        assert active.stream is not None
        active.ending, active.whole = True, error is None and not self._stopping
        failure = self._emit(active, active.stream.end())
        active.error = error or failure  # what failed once may fail again on the tail
        if failure is not None:
            self._close(active, failure)

    def _end_all(self) -> None:
        """Ends every stream; what is due still after ``deadline_s`` is given up."""
        until_s = time.monotonic() + self._host.description.bus.deadline_s
        for active in [*self._active]:
            assert active.stream is not None
            active.stream.pipeline.give_up_at(until_s)
            if not active.ending:
                self._end(active)
        while self._active:
            self._turn()
        self._observer.turned()

    def _close(self, active: ActiveStream, failure: Exception | None) -> bool:
        """Closes a stream that is over, or failed at its end; False while answers are due still."""
        assert active.stream is not None
        if failure is None and not active.stream.pipeline.over:
            return False
        self._active.remove(active)
        try:
            active.stream.settle(whole=active.whole)
        except StimmungError as unfit:
            failure = failure or unfit
        error = active.error or failure
        told = None if error is None else _as_ours(active.stream, error)
        if told is not None:
            self._report(told)
        active.sum_up()
        self._observer.ended(active.stream.info, told)
        active.over.set()
        return True

    def _emit(self, active: ActiveStream, outputs: Iterable[Output]) -> Exception | None:
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
                active.note(output)
            self._observer.emitted(output)

    def _report(self, error: StimmungError) -> None:
        self.failures += 1
        log.error("%s", error)


class ToSinks(Observer):
    """Gives states and predictions to sinks."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def emitted(self, output: Output) -> None:
        if not isinstance(output, Fault | Features):
            for sink in self._sinks:
                sink.write(output)


def _as_ours(stream: Stream, error: Exception) -> StimmungError:
    if isinstance(error, StimmungError):
        return error
    return blame(f"stream '{stream.pipeline.stream}'", error)

"""Keeps what live streams heard and what became of it, so that a replay gives the same states.

A stream is a folder::

    stream.json                the stream's name and when it began
    audio-000000000000.flac    from that sample of the source's clock on; another after a gap or ten minutes
    words.jsonl                every settled sentence
    states.jsonl               every state, as the sink ``jsonl`` writes them

FLAC holds 24 bits and nothing beyond full scale, so the pipeline hears what will be written: audio is
rounded to 24 bits (16-bit audio stays as it is) and cut off at full scale. One thread writes, so that no
disk can hold up a stream: a recording whose disk is full or too slow ends and says so, the stream goes on.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import queue
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import soundfile

from ..errors import ConfigError, StimmungError
from ..plugin import Feed
from ..streaming.info import StreamInfo
from ..streaming.observer import Observer
from ..types import Chunk, EmotionState, Output, Sentence, Word, Words
from .recording import FULL_BYTES, STATES, WORDS, SegmentWriter, written
from .records import record

log = logging.getLogger("stimmung.recording")

TURN_S = 0.1
REMEMBERED = 100  # recordings that have ended and can still be asked for
WAITING = 2000  # things to write that may wait for the disk; some minutes of one stream
STUCK_S = 30.0  # a disk that has written nothing for so long is not waited for at the end

Tell = Callable[[str, str], None]


def say_nothing(stream: str, error: str) -> None:
    """Tells nobody."""


class Recorder(Observer):
    """Records the streams whose feeds pass through :meth:`record`, each into a folder of its own in ``root``.

    ``tell`` gets a stream and the error that ended its recording. Raises ConfigError where ``root`` cannot
    be written to. Close it when the streams have ended: what waits for the disk is written then.
    """

    def __init__(self, root: Path, tell: Tell = say_nothing) -> None:
        self.root, self.tell = root, tell
        self._writers: dict[str, SegmentWriter] = {}
        try:
            root.mkdir(parents=True, exist_ok=True)
            (root / ".stimmung").touch()
            (root / ".stimmung").unlink()
        except OSError as error:
            raise ConfigError(
                f"cannot record into '{root}'",
                got=error.strerror or str(error),
                remedy="choose another folder",
            ) from None
        self._waiting: queue.Queue[Callable[[], None]] = queue.Queue(WAITING)
        self._written, self._closing = 0, threading.Event()
        self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
        self._thread.start()

    def record(self, feed: Feed) -> Feed:
        """The same feed with the audio that will be written, and with the time at which it began."""
        began = time.time() if feed.began is None else feed.began
        return replace(feed, chunks=map(written, feed.chunks), began=began)

    def writer(self, stream: str) -> SegmentWriter | None:
        """The recording of the newest stream of that name, if there is one."""
        return self._writers.get(stream)

    def files(self, folder: str, limit_s: float = 5.0) -> list[Path]:
        """What is whole on the disk of the recording in the folder of that name; audio goes on in a new file.

        Empty where there is no such recording.
        """
        found: queue.SimpleQueue[list[Path]] = queue.SimpleQueue()
        writer = next((writer for writer in self._writers.values() if writer.folder.name == folder), None)
        if writer is None:
            return []
        if writer.error or not self._put(writer, lambda: found.put(writer.whole())):
            return writer.present()
        try:
            return found.get(timeout=limit_s)
        except queue.Empty:
            return []

    def began(self, feed: Feed, stream: StreamInfo) -> None:
        began = feed.began or 0.0
        writer = self._writers[feed.stream] = SegmentWriter(self._folder(feed.stream, began), feed.stream)
        for name in [name for name, one in self._writers.items() if one.over][:-REMEMBERED]:
            del self._writers[name]
        about = {"stream": feed.stream, "began": began}
        self._put(writer, partial(writer.open, msgspec.json.encode(about)))

    def took(self, stream: str, chunk: Chunk) -> None:
        writer = self._writers[stream]
        self._put(writer, partial(writer.hear, chunk))

    def on_transcript(self, stream: str, sentence: Sentence) -> None:
        self._note(stream, WORDS, {"kind": "sentence", **_fields(sentence)})

    def on_words(self, stream: str, words: Words) -> None:
        for word in words.settled:
            self._note(stream, WORDS, {"kind": "word", **_fields(word)})

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState):
            self._note(output.stream, STATES, record(output))

    def ended(self, stream: StreamInfo, error: StimmungError | None) -> None:
        writer = self._writers[stream.name]
        self._put(writer, writer.close)
        writer.over = True

    def close(self) -> None:
        """Everything is on the disk, or told to have failed; a disk that hangs is left behind."""
        self._closing.set()
        while self._thread.is_alive():
            before = self._written
            self._thread.join(STUCK_S)
            if self._thread.is_alive() and self._written == before:
                log.error("the disk does not answer; %d writes are lost", self._waiting.qsize() + 1)
                return

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _note(self, stream: str, name: str, line: dict[str, Any]) -> None:
        writer = self._writers[stream]
        self._put(writer, partial(writer.note, name, msgspec.json.encode(line) + b"\n"))

    def _put(self, writer: SegmentWriter, write: Callable[[], None]) -> bool:
        if writer.error:
            return False
        try:
            self._waiting.put_nowait(partial(self._try, writer, write))
        except queue.Full:
            self._fail(writer, "the disk is too slow")
            return False
        return True

    def _write(self) -> None:
        while not (self._closing.is_set() and self._waiting.empty()):
            try:
                write = self._waiting.get(timeout=TURN_S)
            except queue.Empty:
                continue
            write()
            self._written += 1

    def _try(self, writer: SegmentWriter, write: Callable[[], None]) -> None:
        try:
            if not writer.error:  # else it waited behind what failed
                write()
        except (OSError, soundfile.SoundFileError) as error:
            self._fail(writer, _reason(error, writer.folder))
        if writer.error:
            with contextlib.suppress(OSError, soundfile.SoundFileError):
                writer.close()

    def _fail(self, writer: SegmentWriter, why: str) -> None:
        writer.error = f"the recording in '{writer.folder}' ended: {why}"
        log.error("%s: %s", writer.stream, writer.error)
        self.tell(writer.stream, writer.error)

    def _folder(self, stream: str, began: float) -> Path:
        plain = re.sub(r"[^\w-]+", "-", stream).strip("-")[:60] or "stream"
        stem = self.root / f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(began))}-{plain}"
        taken = {writer.folder for writer in self._writers.values()}
        number, folder = 1, stem
        while folder in taken or folder.exists():
            number += 1
            folder = stem.with_name(f"{stem.name}-{number}")
        return folder


def _fields(said: Sentence | Word) -> dict[str, Any]:
    return {name: getattr(said, name) for name in type(said).__slots__}


def _reason(error: Exception, folder: Path) -> str:
    """Why a write failed; libsndfile does not say that a disk is full."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    full = shutil.disk_usage(folder).free < FULL_BYTES
    return os.strerror(errno.ENOSPC) if full else str(error)

"""What transcribers that listen have in common: steps by the clock, gaps, words and sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Protocol

import numpy as np
from stimmung.engine.types import Floats, Sentence, Word, Words, read_only

from .settling import Settling, Splitter


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a recogniser makes of the audio up to now: new words, guesses, and whether the speaker paused.

    No later word begins before ``watermark``.
    """

    words: tuple[Word, ...]
    watermark: int
    partial: tuple[Word, ...] = ()
    paused: bool = False


class Recogniser(Protocol):
    """Audio without a gap in, in steps; positions are those of the stream's clock."""

    def accept(self, samples: Floats) -> Recognised:
        """Takes the next step, (n,)."""
        ...

    def finish(self) -> Recognised:
        """Nothing follows."""
        ...


class Listening:
    """A transcriber made of a recogniser for each stretch without a gap; ``begin`` makes one.

    The recogniser hears steps of ``step`` samples counted from the beginning of the stretch, whatever the
    size of what arrives, so that what it understands depends on the clock alone.
    """

    api = 1
    rate = 16_000
    step = 3_200

    def __init__(self, begin: Callable[[int], Recogniser], split: Splitter) -> None:
        self._begin, self._settling = begin, Settling(split)
        self._recogniser: Recogniser | None = None
        self._heard = 0
        self._held = np.empty(0, np.float32)
        self._settled: list[Word] = []
        self._partial: tuple[Word, ...] = ()
        self._watermark = 0

    def hear(self, start: int, samples: Floats) -> Sequence[Sentence]:
        """The sentences that have settled in the audio up to now."""
        sentences: list[Sentence] = []
        if self._recogniser is not None and start > self._heard:
            sentences += self._end()
        if self._recogniser is None:
            self._recogniser = self._begin(start)
            self._watermark = start
        self._heard = start + len(samples)
        self._held = np.concatenate([self._held, samples])
        for step in self._steps():
            sentences += self._take(self._recogniser.accept(step))
        return sentences

    def finish(self) -> Sequence[Sentence]:
        """The sentences that were still open."""
        return self._end() if self._recogniser is not None else []

    def words(self) -> Words:
        """What was understood since this was asked last."""
        settled, self._settled = tuple(self._settled), []
        return Words(settled, self._partial, self._watermark)

    def _steps(self) -> Iterator[Floats]:
        while len(self._held) >= self.step:
            step, self._held = self._held[: self.step], self._held[self.step :]
            yield read_only(step)

    def _end(self) -> list[Sentence]:
        assert self._recogniser is not None
        sentences = []
        if len(self._held):
            sentences += self._take(self._recogniser.accept(read_only(self._held)))
            self._held = self._held[:0]
        sentences += self._take(self._recogniser.finish()) + self._settling.end()
        self._recogniser, self._watermark = None, self._heard
        return sentences

    def _take(self, found: Recognised) -> list[Sentence]:
        self._settled += found.words
        self._partial, self._watermark = found.partial, found.watermark
        sentences = self._settling.add(found.words)
        return sentences + self._settling.end() if found.paused else sentences


def packaged(package: str) -> Path | None:
    """The folder ``model`` inside an installed package, which is not run; None where there is none."""
    if not package.isidentifier():
        return None
    found = util.find_spec(package)
    places = list(found.submodule_search_locations or ()) if found is not None else []
    return next((path for place in places if (path := Path(place) / "model").is_dir()), None)

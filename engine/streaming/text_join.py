"""Sentences beside windows: what was being said as a window ended, for classifiers that read both.

Such a classifier votes on the clock of the windows. Each window waits for its words: it takes the sentence
that was being said when it ended, once that is settled; where ``wait_s`` of the stream have passed since and
it is not, the last settled one that overlaps the window. None may: then the words are missing. So they are
where a plugin gave the sentence up. What is missing is a row of NaN to a classifier that takes it; no other
is asked.

Nothing here knows the time of day. How far a transcriber has got is counted in samples of the stream, so the
words of a window are the same live and in replay; a transcriber that fails or is parked is passed by as the
stream goes on, and holds nothing up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..calls.bus import Answer
from ..calls.spec import PluginSpec
from ..types import Floats, Segment, read_only
from .ledger import Edge, Ledger

UNSAID = "unsaid"  # no sentence overlaps the window
MISSING = "missing"  # an input is, and the classifier does not take that
Done = Callable[[Segment, Sequence[Floats] | None], None]


@dataclass(slots=True)
class Said:
    """A settled sentence: what became of its features, and the windows that wait for them."""

    segment: Segment
    answers: dict[str, Answer] = field(default_factory=dict)
    windows: list[Segment] = field(default_factory=list)

    def overlaps(self, window: Segment) -> bool:
        """True when some of it was said in the window."""
        return self.segment.span.start < window.span.stop and window.span.start < self.segment.span.stop


class Sentences:
    """The settled sentences that a window may still get, and what the extractors ``texts`` made of them."""

    def __init__(self, texts: Collection[str]) -> None:
        self._texts = texts
        self._settled: deque[Said] = deque()
        self._unread: dict[int, Said] = {}

    def __len__(self) -> int:
        return len(self._settled)

    def add(self, sentence: Segment) -> None:
        """A sentence has settled; they come in the order of their ends."""
        said = Said(sentence)
        self._settled.append(said)
        self._unread[sentence.index] = said

    def read(self, sentence: Segment, extractor: str, answer: Answer) -> Said | None:
        """An extractor's answer for a sentence; the sentence where it is the last that was due."""
        said = self._unread[sentence.index]
        said.answers[extractor] = answer
        return self._unread.pop(sentence.index) if self.is_read(said) else None

    def is_read(self, said: Said) -> bool:
        """True when every extractor has answered."""
        return len(said.answers) == len(self._texts)

    @property
    def stop(self) -> int:
        """The end of the last one; -1 before the first."""
        return self._settled[-1].segment.span.stop if self._settled else -1

    def of(self, window: Segment) -> Said | None:
        """The one that was being said when the window ended, else the last one that overlaps it."""
        found = None
        for said in self._settled:
            if said.overlaps(window):
                found = said
            if said.segment.span.stop >= window.span.stop:
                break
        return found

    def forget(self, before: int) -> None:
        """No window that begins before that position asks any more."""
        while self._settled and self._settled[0].segment.span.stop <= before:
            self._settled.popleft()


class TextJoin:
    """The inputs of one classifier of windows and sentences: some from each window, some from its words.

    ``texts`` are the extractors of sentences among its inputs, ``wait`` samples. ``done`` gets a window and
    its inputs in the order of training; None when a plugin gave the window up. ``refuse`` gets a window that
    lacks an input. The ledger's edge ``pair CLASSIFIER EXTRACTOR`` counts windows that were to get words.
    """

    def __init__(
        self,
        facts: PluginSpec,
        texts: Sequence[str],
        wait: int,
        *,
        ledger: Ledger,
        done: Done,
        refuse: Callable[[Segment], None],
    ) -> None:
        self._facts, self._wait, self._done, self._refuse = facts, wait, done, refuse
        self._texts, self._ledger = frozenset(texts), ledger
        self._sentences = Sentences(self._texts)
        self._heard, self._pending = 0, set[int]()
        self._waiting: deque[Segment] = deque()
        self._audio: dict[int, Sequence[Floats] | None] = {}
        self._words: dict[int, Mapping[str, Answer]] = {}

    def cut(self, window: Segment, *, silent: bool) -> None:
        """Takes the next window; a silent one needs no words."""
        if not silent:
            for name in self._texts:
                self._edge(name).receive()
            self._waiting.append(window)
            self._pending.add(window.index)
        self._choose()
        # No later window begins before this one.
        oldest = self._waiting[0] if self._waiting else window
        self._sentences.forget(oldest.span.start)

    def complete(self, window: Segment, audio: Sequence[Floats] | None) -> None:
        """The window's own inputs are here, or lost."""
        if window.index in self._pending:  # of several that are lost the first counts
            self._audio.setdefault(window.index, audio)
            self._classify(window)

    def said(self, sentence: Segment) -> None:
        """A sentence has settled; they come in the order of their ends."""
        self._sentences.add(sentence)

    def read(self, sentence: Segment, extractor: str, answer: Answer) -> None:
        """An extractor's answer for a sentence."""
        if extractor not in self._texts:
            return
        said = self._sentences.read(sentence, extractor, answer)
        if said is not None:
            for window in said.windows:
                self._pair(window, said.answers)

    def heard(self, position: int | None) -> None:
        """The transcriber was asked about all audio up to ``position``; None: about all there is."""
        self._heard = position if position is not None else self._heard
        self._choose(ended=position is None)

    def _choose(self, *, ended: bool = False) -> None:
        """Gives the windows that need not wait their sentence."""
        while self._waiting:
            window = self._waiting[0]
            settled = self._sentences.stop >= window.span.stop
            if not (ended or settled or self._heard >= window.span.stop + self._wait):
                return
            self._waiting.popleft()
            said = self._sentences.of(window)
            if said is None:
                self._pair(window, dict.fromkeys(self._texts, Answer(None, UNSAID)))
            elif self._sentences.is_read(said):
                self._pair(window, said.answers)
            else:
                said.windows.append(window)

    def _pair(self, window: Segment, answers: Mapping[str, Answer]) -> None:
        for name, answer in answers.items():
            if answer.values is None:
                self._edge(name).drop(answer.reason)
            else:
                self._edge(name).process()
        self._words[window.index] = answers
        self._classify(window)

    def _edge(self, extractor: str) -> Edge:
        return self._ledger.edge(f"pair {self._facts.name} {extractor}")

    def _classify(self, window: Segment) -> None:
        if not (window.index in self._audio and window.index in self._words):
            return
        self._pending.discard(window.index)
        audio, words = self._audio.pop(window.index), self._words.pop(window.index)
        if audio is None:
            self._done(window, None)
        elif not self._facts.takes_missing and any(answer.values is None for answer in words.values()):
            self._refuse(window)
        else:
            own = iter(audio)
            self._done(
                window,
                [
                    _values(words[needed.name], needed.dim) if needed.name in words else next(own)
                    for needed in self._facts.inputs
                ],
            )


def _values(answer: Answer, dim: int) -> Floats:
    return read_only(np.full(dim, np.nan)) if answer.values is None else answer.values

"""Words → sentences as they arrive: one settles when the next begins, or when the speaker has paused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stimmung.engine.types import Sentence, Word

Splitter = Callable[[str], list[tuple[int, int]]]
ENDS = (".", "!", "?", "…", "。", "！", "？")


class Settling:
    """The words that belong to no settled sentence yet; ``split`` gives the sentences of a text."""

    def __init__(self, split: Splitter) -> None:
        self._split = split
        self._open: list[Word] = []
        self._stop = 0

    def add(self, words: Sequence[Word]) -> list[Sentence]:
        """Takes words in the order they were said; all sentences but the last are settled now."""
        self._open += words
        if not words:
            return []
        *settled, self._open = self._sentences() or [[]]
        return [self._said(one) for one in settled]

    def end(self) -> list[Sentence]:
        """The speaker has paused: whatever is still open is a sentence."""
        settled, self._open = self._sentences(), []
        return [self._said(one) for one in settled]

    def _sentences(self) -> list[list[Word]]:
        """The open words by sentence; signs without a letter or digit on their own are left out."""
        text, at = "", []
        for word in self._open:
            at.append(len(text))
            text += word.text + " "
        words = list(zip(at, self._open, strict=True))
        spans = self._split(text) if words else []
        grouped = [[word for place, word in words if start <= place < stop] for start, stop in spans]
        return [group for group in grouped if group]

    def _said(self, words: Sequence[Word]) -> Sentence:
        # Recognisers round, so that a word may seem to begin before the one before it has ended.
        start = max(words[0].start, self._stop)
        self._stop = max(words[-1].stop, start + 1)
        return Sentence(start, self._stop, " ".join(word.text for word in words))

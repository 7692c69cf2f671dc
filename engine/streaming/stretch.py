"""One unbroken stretch of a stream: its audio, its descriptor rows, its voice activity, its segments.

A gap in the input ends a region and begins the next, which is then treated exactly as if the
stream had begun there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..audio.buffer import AudioBuffer, block_ends
from ..audio.segmentation import Segmenter, Whole, Windows
from ..calls.spec import Facts
from ..config.schema import Description
from ..types import Floats, Span
from .activity import Activity, Tell
from .circuit_breaker import Guarded
from .descriptors import Rows

BLOCK_S = 1.0


class Region:
    """The state of one stretch. Positions are samples of the stream's clock.

    A block is not dealt with before its voice activity is known. ``closed``: no more audio follows.
    ``tell`` gets voice activity as it is detected: a span, and a flag for each of the detector's hops in it.
    """

    def __init__(
        self,
        start: int,
        description: Description,
        extractors: Sequence[Facts],
        detector: Guarded | None,
        tell: Tell,
    ) -> None:
        self.start, self.closed = start, False
        self._rate = description.stream.rate
        self._block = round(BLOCK_S * self._rate)
        self._buffer = AudioBuffer(start)
        self._segmenter = _segmenter(start, description)
        self._activity = Activity(start, detector, self._rate, tell) if detector is not None else None
        self.rows = {
            facts.name: Rows(start, hop=facts.hop, support=facts.support)
            for facts in extractors
            if facts.kind == "frame_extractor"
        }
        self._keeps_audio = any(facts.kind == "extractor" for facts in extractors)
        self._position = start
        self._covered = start
        self._counted = start
        self._transcribed = start

    @property
    def stop(self) -> int:
        """The position after the last sample heard."""
        return self._buffer.stop

    def append(self, samples: Floats) -> None:
        """Takes (n,) more samples, which follow those before."""
        self._buffer.append(samples)

    @property
    def waiting(self) -> bool:
        """True while a detector is asked about the next block."""
        return self._activity is not None and self._activity.waiting

    @property
    def uncovered(self) -> int:
        """How many samples heard lie in no segment that was cut."""
        return self.stop - self._covered

    def blocks(self) -> Iterator[tuple[int, list[Span]]]:
        """Each block that is complete and whose voice activity is known: its end, and the segments it ends.

        Ask again when :attr:`waiting` is over.
        """
        for end in block_ends(self.start, self._position, self.stop, self._block, self._segmenter.next_cut):
            if not self._listen(end):
                return
            yield end, self._segmenter.advance(end)

    def tail(self) -> tuple[int, list[Span]] | None:
        """The last, shorter block, and the segments the region's end cuts; None while it is waited for."""
        if not self._listen(self.stop):
            return None
        return self.stop, self._segmenter.finish(self.stop)

    def claim(self, name: str, end: int) -> tuple[int, int] | None:
        """The stretch extractor ``name`` must describe now that blocks reach ``end``."""
        return self.rows[name].claim(end)

    def audio(self, start: int, stop: int) -> Floats:
        """A read-only view of the samples ``[start, stop)``."""
        return self._buffer.view(start, stop)

    def segment_audio(self, span: Span) -> Floats:
        """The segment's samples if an extractor asks for them, otherwise none."""
        return self.audio(span.start, span.stop) if self._keeps_audio else self.audio(self.stop, self.stop)

    def speech(self, span: Span) -> float:
        """The share of the span in which voice activity was detected; 1 without a detector."""
        return 1.0 if self._activity is None else self._activity.share(span)

    def cover(self, span: Span) -> int:
        """Notes that a segment was cut; returns how many samples no earlier segment covered."""
        before, self._covered = self._covered, max(self._covered, span.stop)
        return self._covered - before

    def new_speech(self, span: Span) -> int:
        """Notes that a segment counts; returns its samples of speech that none before it counted."""
        start, self._counted = max(self._counted, span.start), max(self._counted, span.stop)
        new = Span(start, max(start, span.stop), self._rate)
        return round(self.speech(new) * new.length)

    def hear(self, end: int) -> int:
        """Notes that a transcriber is told of the audio up to ``end``; returns where it was before."""
        before, self._transcribed = self._transcribed, end
        return before

    def forget(self, pending: int | None) -> None:
        """Lets go of what neither a later segment nor one begun at ``pending`` can ask for."""
        later = self._segmenter.needs_from
        audio = [self._position, *(rows.needs_from for rows in self.rows.values())]
        if self._activity is not None:
            audio.append(self._activity.position)
            self._activity.forget(later)
        if self._keeps_audio:
            audio.append(later)
        self._buffer.forget(min(audio))
        for rows in self.rows.values():
            rows.forget(later if pending is None else min(later, pending))

    def _listen(self, end: int) -> bool:
        """True when the voice activity up to ``end`` is known."""
        if self._activity is not None and not self._activity.listen(self._buffer, end):
            return False
        self._position = end
        return True


def _segmenter(start: int, description: Description) -> Segmenter:
    table, rate = description.segments, description.stream.rate
    shortest = round(table.shortest_s * rate)
    if table.kind == "whole":
        return Whole(start, shortest=shortest, rate=rate)
    return Windows(
        start,
        window=round(table.window_s * rate),
        hop=round(table.hop_s * rate),
        shortest=shortest,
        rate=rate,
    )

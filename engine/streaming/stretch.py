"""One unbroken stretch of a stream: its audio, its descriptor rows, its voice activity, its segments.

A gap in the input ends a stretch and begins the next, which is then treated exactly as if the
stream had begun there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..audio.buffer import AudioBuffer, block_ends
from ..audio.segmentation import Segmenter, Whole, Windows
from ..audio.turns import Cut, TurnCutter, TurnLengths
from ..calls.spec import PluginSpec
from ..config.schema import ACTIVITY, PipelineConfig
from ..errors import ConfigError
from ..types import Floats, Span
from .activity import Activity, Tell
from .circuit_breaker import CircuitBreaker
from .descriptors import DescriptorBuffer

BLOCK_S = 1.0
LISTEN_S = 0.25  # where turns are waited for: so much later one is noticed, at most


class Stretch:
    """The state of one stretch. Positions are samples of the stream's clock.

    A block is not dealt with before its voice activity is known. ``closed``: no more audio follows.
    ``tell`` gets voice activity as it is detected: a span, and a flag for each of the detector's hops in it.
    """

    def __init__(
        self,
        start: int,
        description: PipelineConfig,
        extractors: Sequence[PluginSpec],
        detector: CircuitBreaker | None,
        tell: Tell,
    ) -> None:
        self.start, self.closed = start, False
        self._rate = description.stream.rate
        self._buffer = AudioBuffer(start)
        self._activity = Activity(start, detector, self._rate, tell) if detector is not None else None
        self._segmenter = _segmenter(start, description, self._activity)
        self.by_turn = isinstance(self._segmenter, TurnCutter)
        self._block = round((LISTEN_S if self.by_turn else BLOCK_S) * self._rate)
        self._extractors = [facts for facts in extractors if facts.kind == "frame_extractor"]
        self._rows: dict[str, DescriptorBuffer] = {}
        self._origin: int | None = None
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

    def blocks(self) -> Iterator[tuple[int, list[Cut]]]:
        """Each block that is complete and whose voice activity is known: its end, and the segments it ends.

        Ask again when :attr:`waiting` is over.
        """
        for end in block_ends(self.start, self._position, self.stop, self._block, self._segmenter.next_cut):
            if not self._listen(end):
                return
            yield end, self._cuts(end)

    def tail(self) -> tuple[int, list[Cut]] | None:
        """The last, shorter block, and the segments the stretch's end cuts; None while it is waited for."""
        if not self._listen(self.stop):
            return None
        cuts = self._cuts(self.stop)
        return self.stop, [*cuts, *self._plain(self._segmenter.finish(self.stop))]

    def rows(self, origin: int) -> Mapping[str, DescriptorBuffer]:
        """The descriptor rows of each frame extractor that are counted from ``origin``.

        Those of the turn before are let go with it.
        """
        if origin != self._origin:
            self._rows, self._origin = self._fresh_rows(origin), origin
        return self._rows

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

    def new_speech(self, span: Span, *, settled: bool = True) -> int:
        """Its samples of speech that none before it counted; a settled one counts them from now on."""
        start = max(self._counted, span.start)
        if settled:
            self._counted = max(self._counted, span.stop)
        new = Span(start, max(start, span.stop), self._rate)
        return round(self.speech(new) * new.length)

    def hear(self, end: int) -> int:
        """Notes that a transcriber is told of the audio up to ``end``; returns where it was before."""
        before, self._transcribed = self._transcribed, end
        return before

    def forget(self, pending: int | None) -> None:
        """Lets go of what neither a later segment nor one begun at ``pending`` can ask for."""
        later = self._segmenter.needs_from
        if self._segmenter.origin != self._origin:
            self._rows, self._origin = {}, None
        audio = [self._position, *(rows.needs_from for rows in self._rows.values())]
        # The block that reaches a segment's end may begin before the next row does.
        audio += [self._position - facts.support for facts in self._extractors if facts.shortest]
        if self._activity is not None:
            audio.append(self._activity.position)
            self._activity.forget(later)
        if self._keeps_audio or self.by_turn:
            audio.append(later)
        self._buffer.forget(min(audio))
        for rows in self._rows.values():
            rows.forget(later if pending is None else min(later, pending))

    def _listen(self, end: int) -> bool:
        """True when the voice activity up to ``end`` is known."""
        if self._activity is not None and not self._activity.listen(self._buffer, end):
            return False
        self._position = end
        return True

    def _cuts(self, end: int) -> list[Cut]:
        """What is cut now that all up to ``end`` was listened to."""
        if isinstance(self._segmenter, TurnCutter):
            flags = self._activity.flags(self._segmenter.known) if self._activity is not None else []
            return self._segmenter.hear(flags)
        return self._plain(self._segmenter.advance(end))

    def _plain(self, found: Sequence[Span | Cut]) -> list[Cut]:
        return [one if isinstance(one, Cut) else Cut(one, self.start) for one in found]

    def _fresh_rows(self, origin: int) -> dict[str, DescriptorBuffer]:
        return {
            facts.name: DescriptorBuffer(
                origin, hop=facts.hop, support=facts.support, single=bool(facts.shortest)
            )
            for facts in self._extractors
        }


def _segmenter(start: int, description: PipelineConfig, activity: Activity | None) -> Segmenter | TurnCutter:
    table, rate = description.segments, description.stream.rate
    shortest = round(table.shortest_s * rate)
    if table.kind == "turns":
        if activity is None:
            raise ConfigError("turns are cut by voice activity, but nothing detects it", remedy=ACTIVITY)
        hop = round(table.hop_s * rate)
        lengths = TurnLengths(
            hop=hop,
            shortest=shortest,
            longest=hop * round(table.longest_s / table.hop_s),
            pause=round(table.pause_s * rate),
            pad=round(table.pad_s * rate),
        )
        return TurnCutter(start, lengths, flag=activity.hop, rate=rate)
    if table.kind == "whole":
        return Whole(start, shortest=shortest, rate=rate)
    return Windows(
        start,
        window=round(table.window_s * rate),
        hop=round(table.hop_s * rate),
        shortest=shortest,
        rate=rate,
    )

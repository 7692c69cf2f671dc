"""One frame extractor of one stream: audio is described, segments are summarised once their rows are here.

An extractor that declares ``shortest`` describes every row by itself, from as many samples each time, and
one more row for a segment that its last row does not reach the end of. So what comes of a turn is a function of
its samples, whatever else is described.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..calls.bus import Answer
from ..calls.call import Call, Part
from ..calls.spec import Facts
from ..types import Floats, Segment, Span
from .descriptors import Rows
from .ledger import Ledger

TOO_SHORT = "too_short"  # the segment holds no descriptor row, which is nobody's fault
Submit = Callable[[Call, Callable[[Answer], None]], None]
Audio = Callable[[int, int], Floats]


@dataclass(slots=True)
class Due:
    """A segment that waits for its rows: those of ``rows`` inside it and, while ``asked``, a last one."""

    rows: Rows
    segment: Segment
    asked: bool = False
    last: Answer | None = None

    @property
    def ready(self) -> bool:
        """True when every row has come back or is known to be lost."""
        return self.rows.ready(self.segment.span.stop) and (not self.asked or self.last is not None)

    def take(self) -> tuple[Part, ...] | None:
        """All rows; None when one of them was lost."""
        parts = self.rows.take(self.segment.span.start, self.segment.span.stop)
        if parts is None or self.last is None:
            return parts
        return None if self.last.values is None else (*parts, Part(self.last.block, 0, self.last.values))


class Summaries:
    """The segments of a stream whose features ``facts`` gives; they come in the order of their ends.

    ``every_end``: the last row reaches the end of every segment, not only of those that hold no other.
    ``extracted`` and ``fault`` get what comes of a segment, and what is lost of the stream.
    """

    def __init__(
        self,
        facts: Facts,
        *,
        every_end: bool,
        ledger: Ledger,
        submit: Submit,
        extracted: Callable[[Segment, str, Answer], None],
        fault: Callable[[Span, str, Answer], None],
    ) -> None:
        self._facts, self._every_end, self._ledger = facts, every_end, ledger
        self._submit, self._extracted, self._fault = submit, extracted, fault
        self._waiting: deque[Due] = deque()

    @property
    def needs_from(self) -> int | None:
        """The start of the first segment that waits; None when none does."""
        return self._waiting[0].segment.span.start if self._waiting else None

    def describe(self, rows: Rows, audio: Audio, end: int) -> None:
        """Asks for the rows that are complete now that audio reaches ``end``."""
        while (claimed := rows.claim(end)) is not None:
            self._ask(audio(*claimed), claimed[0], partial(self._described, rows, claimed))

    def cut(self, rows: Rows, audio: Audio, segment: Segment) -> None:
        """Takes the next segment; the rows inside it have been asked for."""
        due, span = Due(rows, segment), segment.span
        self._waiting.append(due)
        last = rows.last(span.start, span.stop)
        unheard = last is None or (self._every_end and last < span.stop)
        if self._facts.shortest and span.length >= self._facts.shortest and unheard:
            due.asked = True
            start = span.stop - min(span.length, self._facts.support)
            self._ask(audio(start, span.stop), start, partial(self._reached, due))
        self._summarise()

    def _ask(self, samples: Floats, start: int, then: Callable[[Answer], None]) -> None:
        self._ledger.edge(f"describe {self._facts.name}", "blocks").receive()
        span = Span(start, start + len(samples), self._facts.rate)
        call = Call(self._facts.name, "describe", (samples,))
        self._submit(call, lambda answer: self._answered(span, then, answer))

    def _answered(self, span: Span, then: Callable[[Answer], None], answer: Answer) -> None:
        edge = self._ledger.edge(f"describe {self._facts.name}", "blocks")
        if answer.values is None:
            edge.drop(answer.reason)
            self._fault(span, self._facts.name, answer)
        else:
            edge.process()
        then(answer)
        self._summarise()

    def _described(self, rows: Rows, claimed: tuple[int, int], answer: Answer) -> None:
        rows.add(*claimed, answer.values, answer.block)

    def _reached(self, due: Due, answer: Answer) -> None:
        due.last = answer

    def _summarise(self) -> None:
        """Asks for the functionals of every waiting segment whose rows are all here."""
        name = self._facts.name
        while self._waiting and self._waiting[0].ready:
            due = self._waiting.popleft()
            parts = due.take()
            then = partial(self._extracted, due.segment, name)
            if parts is None:
                then(Answer(None, "rows_lost", f"rows of extractor '{name}' are missing"))
            elif not parts:
                then(Answer(None, TOO_SHORT, f"extractor '{name}' has no row of so short a segment"))
            else:
                self._submit(Call(name, "summarise", parts=parts), then)

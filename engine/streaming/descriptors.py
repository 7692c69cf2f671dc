"""The descriptor rows of a stretch, collected block by block in any order, and what is summarised of them.

An extractor that declares ``shortest`` describes every row by itself, from as many samples each time, and
one more row for a segment that its last row does not reach the end of. So what comes of a turn is a function
of its samples, whatever else is described.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..calls.bus import Answer
from ..calls.call import Call, Part
from ..calls.spec import PluginSpec
from ..types import Floats, Segment, Span
from .ledger import Ledger

TOO_SHORT = "too_short"  # the segment holds no descriptor row, which is nobody's fault
Submit = Callable[[Call, Callable[[Answer], None]], None]
Audio = Callable[[int, int], Floats]


class DescriptorBuffer:
    """One frame extractor's descriptor rows over one stretch: row k sees ``start + [k*hop, k*hop+support)``.

    A turn has rows of its own, as if it were a stretch. ``single``: every row is a block of its own. Blocks
    are claimed in order with :meth:`claim`; their rows may come back in any order through :meth:`add`. A
    block whose rows were lost leaves a hole, and :meth:`take` says so.
    """

    def __init__(self, start: int, *, hop: int, support: int, single: bool = False) -> None:
        self._start, self._hop, self._support, self._single = start, hop, support, single
        self._claimed = 0
        self._complete = 0
        self._first = 0
        self._early: dict[int, tuple[int, Floats | None, int]] = {}
        self._parts: deque[tuple[int, int, Floats | None, int]] = deque()

    @property
    def needs_from(self) -> int:
        """The first sample the next block's rows see."""
        return self._start + self._claimed * self._hop

    def claim(self, stop: int) -> tuple[int, int] | None:
        """The samples to describe now that audio reaches ``stop``, None while no new row is complete.

        Where every row is a block, ask again until there is none.
        """
        count = min(self._count(stop), self._claimed + 1) if self._single else self._count(stop)
        if count <= self._claimed:
            return None
        first, self._claimed = self._claimed, count
        return self._start + first * self._hop, self._start + (count - 1) * self._hop + self._support

    def add(self, start: int, stop: int, rows: Floats | None, block: int = 0) -> None:
        """The rows of the block claimed as ``(start, stop)`` and their number, None when they were lost."""
        first = (start - self._start) // self._hop
        self._early[first] = (self._count(stop), rows, block)
        while self._complete in self._early:
            begin = self._complete
            self._complete, part, number = self._early.pop(begin)
            self._parts.append((begin, self._complete, part, number))

    def ready(self, stop: int) -> bool:
        """True when every row that ends by ``stop`` has come back or is known to be lost."""
        return self._complete >= self._count(stop)

    def last(self, start: int, stop: int) -> int | None:
        """The end of the last row wholly inside ``[start, stop)``; None when there is none."""
        row = self._count(stop) - 1
        begin = self._start + row * self._hop
        return begin + self._support if row >= 0 and begin >= start else None

    def take(self, start: int, stop: int) -> tuple[Part, ...] | None:
        """The rows wholly inside ``[start, stop)``; None when one of them was lost."""
        low = -(-(start - self._start) // self._hop)
        high = self._count(stop)
        parts = []
        for first, last, rows, block in self._parts:
            if last <= low or first >= high:
                continue
            if rows is None:
                return None
            skipped = max(0, low - first)
            parts.append(Part(block, skipped, rows[skipped : high - first]))
        return tuple(parts)

    def forget(self, before: int) -> None:
        """Rows that begin before ``before`` will not be asked for again."""
        keep = (before - self._start) // self._hop
        while self._parts and self._parts[0][1] <= keep:
            self._parts.popleft()

    def _count(self, stop: int) -> int:
        return max(0, (stop - self._start - self._support) // self._hop + 1)


@dataclass(slots=True)
class Due:
    """A segment that waits for its rows: those of ``rows`` inside it and, while ``asked``, a last one."""

    rows: DescriptorBuffer
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
        facts: PluginSpec,
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

    def describe(self, rows: DescriptorBuffer, audio: Audio, end: int) -> None:
        """Asks for the rows that are complete now that audio reaches ``end``."""
        while (claimed := rows.claim(end)) is not None:
            self._ask(audio(*claimed), claimed[0], partial(self._described, rows, claimed))

    def cut(self, rows: DescriptorBuffer, audio: Audio, segment: Segment) -> None:
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

    def _described(self, rows: DescriptorBuffer, claimed: tuple[int, int], answer: Answer) -> None:
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

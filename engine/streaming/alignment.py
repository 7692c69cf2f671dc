"""Waits until a segment has all the features a classifier needs, and lets segments go in their order.

Workers answer in any order; what leaves here is in the order of the segments, whatever the
timing, which is what makes a live run and a replay equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..types import Features, Floats, Prediction, Segment


@dataclass(slots=True)
class Progress:
    """How far one segment has come: its features, and what each classifier made of them.

    A classifier's outcome is a prediction, or the reason there is none. A silent segment has neither.
    """

    segment: Segment
    silent: bool
    awaited: set[str]
    features: dict[str, Features] = field(default_factory=dict)
    outcomes: dict[str, Prediction | str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """True when no extractor and no classifier is awaited."""
        return not self.awaited


class Alignment:
    """All segments of one stream between being cut and being voted on.

    ``inputs`` gives, for each classifier, the extractors it needs, in its training order.
    """

    def __init__(self, extractors: Sequence[str], inputs: Mapping[str, Sequence[str]]) -> None:
        self._extractors, self._inputs = tuple(extractors), inputs
        self._progress: dict[int, Progress] = {}
        self._next = 0
        self._undecided = dict.fromkeys(inputs, 0)

    def __len__(self) -> int:
        return len(self._progress)

    def expect(self, segment: Segment, *, silent: bool) -> None:
        """A segment was cut; nothing is awaited for a silent one."""
        awaited = set() if silent else {*self._extractors, *self._inputs}
        self._progress[segment.index] = Progress(segment, silent, awaited)

    def add(self, features: Features) -> Iterator[tuple[str, list[Floats]]]:
        """Each classifier that now has all its inputs, with their values in its training order."""
        progress = self._progress[features.index]
        progress.features[features.extractor] = features
        progress.awaited.discard(features.extractor)
        for classifier, inputs in self._inputs.items():
            if features.extractor in inputs and all(name in progress.features for name in inputs):
                yield classifier, [progress.features[name].values for name in inputs]

    def lose(self, index: int, extractor: str, reason: str) -> None:
        """An extractor gave up the segment: so do the classifiers that need it."""
        progress = self._progress[index]
        progress.awaited.discard(extractor)
        for classifier, inputs in self._inputs.items():
            if extractor in inputs:
                self.settle(index, classifier, reason)

    def settle(self, index: int, classifier: str, outcome: Prediction | str) -> None:
        """A classifier's prediction for a segment, or the reason there is none; the first word counts."""
        progress = self._progress[index]
        progress.outcomes.setdefault(classifier, outcome)
        progress.awaited.discard(classifier)

    def decided(self, classifier: str) -> Iterator[Progress]:
        """Every segment that is settled for ``classifier``, once, and whose predecessors are.

        Ask this of every classifier before :meth:`release`, which lets go of them.
        """
        while progress := self._progress.get(self._undecided[classifier]):
            if not progress.silent and classifier not in progress.outcomes:
                return
            self._undecided[classifier] += 1
            yield progress

    def release(self) -> Iterator[Progress]:
        """Every segment that is complete and whose predecessors have been released."""
        while self._next in self._progress and self._progress[self._next].complete:
            yield self._progress.pop(self._next)
            self._next += 1

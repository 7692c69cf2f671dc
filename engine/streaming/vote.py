"""Turns one target's predictions into rolling states by majority.

The voters are the predictions whose spans lie wholly in the last ``span`` samples of the stream,
and the newest whatever its length; spoken segments vote, silent ones only move the clock. A tie
keeps the previous label, and a new label must lead the previous one by ``margin`` votes. A turn of speech
is answered again and again while it runs, and votes once: by its latest answer. (Embedded Emotions,
section 4, votes once over a whole narrative; here the narrative rolls.)

A state is unsure where more than half of its voters lie too far from the training data, or else where its
confidence is low. The distance is the reason given where both hold: it is why no probability can be trusted.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence

from ..types import EmotionState, Prediction, Reason, Span, Status


class Vote:
    """One target of one stream; predictions arrive in the order of their segments.

    ``unsure_beyond``: the distance from the training data beyond which a voter is unlike it, None for any.
    ``by_turn``: one whose span begins where an earlier voter's does takes its place.
    """

    def __init__(
        self,
        stream: str,
        target: str,
        labels: Sequence[str],
        *,
        span: int,
        margin: int = 1,
        unsure_below: float = 0.0,
        unsure_beyond: float | None = None,
        by_turn: bool = False,
    ) -> None:
        self._stream, self._target, self._labels = stream, target, tuple(labels)
        self._span, self._margin = span, margin
        self._unsure_below = unsure_below
        self._unsure_beyond = math.inf if unsure_beyond is None else unsure_beyond
        self._by_turn = by_turn
        self._voters: deque[Prediction] = deque()
        self._label: str | None = None

    def add(self, span: Span, prediction: Prediction | None) -> EmotionState:
        """The state after the segment at ``span``; ``prediction`` is None when nobody spoke in it."""
        if prediction is not None:
            if self._by_turn:
                begin = prediction.span.start
                self._voters = deque(voter for voter in self._voters if voter.span.start != begin)
            self._voters.append(prediction)
        start = max(0, span.stop - self._span)
        self._voters = deque(
            voter for voter in self._voters if voter is prediction or voter.span.within(start, span.stop)
        )
        voted = Span(start, span.stop, span.rate)
        if not self._voters:
            self._label = None
            return EmotionState(self._stream, voted, self._target, Status.NO_SPEECH, None, 0.0, {}, 0, {})
        votes = {label: sum(voter.label == label for voter in self._voters) for label in self._labels}
        mean = {
            label: sum(voter.probabilities[label] for voter in self._voters) / len(self._voters)
            for label in self._labels
        }
        self._label = self._elect(votes, mean)
        confidence = mean[self._label]
        reason = self._doubt(confidence)
        return EmotionState(
            self._stream,
            voted,
            self._target,
            Status.OK if reason is None else Status.UNSURE,
            self._label,
            confidence,
            votes,
            len(self._voters),
            mean,
            reason=reason,
        )

    def _doubt(self, confidence: float) -> Reason | None:
        far = sum(
            voter.distance is not None and voter.distance > self._unsure_beyond for voter in self._voters
        )
        if 2 * far > len(self._voters):
            return Reason.DISTANCE
        return Reason.CONFIDENCE if confidence < self._unsure_below else None

    def _elect(self, votes: Mapping[str, int], mean: Mapping[str, float]) -> str:
        leader = max(self._labels, key=lambda label: (votes[label], mean[label]))
        previous = self._label
        if previous is None or votes[leader] - votes[previous] >= self._margin:
            return leader
        return previous

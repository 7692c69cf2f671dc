"""Features of a segment, gathered; segments, in order."""

from __future__ import annotations

import numpy as np
from stimmung.engine.streaming.alignment import Alignment
from stimmung.engine.types import Features, Prediction, Segment, Span

NONE = np.zeros(0, np.float32)


def segment(index: int) -> Segment:
    return Segment("s", index, Span(index, index + 1, 1), NONE)


def features(index: int, extractor: str) -> Features:
    return Features("s", index, Span(index, index + 1, 1), extractor, np.float32([index]))


def prediction(index: int) -> Prediction:
    return Prediction("s", index, Span(index, index + 1, 1), "emotion", {"calm": 1.0})


def alignment() -> Alignment:
    return Alignment(["a", "b"], {"both": ["b", "a"], "one": ["a"]})


def ready(result: object) -> list[str]:
    return [name for name, _ in result]  # type: ignore[attr-defined]


def test_a_classifier_is_ready_when_its_last_input_comes_in_its_training_order() -> None:
    waiting = alignment()
    waiting.expect(segment(0), silent=False)
    assert ready(waiting.add(features(0, "a"))) == ["one"]
    ((name, values),) = list(waiting.add(Features("s", 0, Span(0, 1, 1), "b", np.float32([7]))))
    assert name == "both"
    assert [float(value[0]) for value in values] == [7, 0]


def finish(waiting: Alignment, index: int) -> None:
    for name in ("a", "b"):
        list(waiting.add(features(index, name)))
    for classifier in ("both", "one"):
        waiting.settle(index, classifier, prediction(index))


def test_segments_leave_in_their_order_whatever_order_they_finish_in() -> None:
    waiting = alignment()
    for index in range(3):
        waiting.expect(segment(index), silent=False)
    finish(waiting, 2)
    assert list(waiting.release()) == []
    finish(waiting, 0)
    assert [p.segment.index for p in waiting.release()] == [0]
    finish(waiting, 1)
    assert [p.segment.index for p in waiting.release()] == [1, 2]
    assert len(waiting) == 0


def test_a_silent_segment_waits_only_for_its_predecessors() -> None:
    waiting = alignment()
    waiting.expect(segment(0), silent=False)
    waiting.expect(segment(1), silent=True)
    assert list(waiting.release()) == []
    finish(waiting, 0)
    assert [p.silent for p in waiting.release()] == [False, True]


def test_losing_an_extractor_settles_only_the_classifiers_that_need_it() -> None:
    waiting = alignment()
    waiting.expect(segment(0), silent=False)
    waiting.lose(0, "b", "failed")
    list(waiting.add(features(0, "a")))
    waiting.settle(0, "one", prediction(0))
    (progress,) = list(waiting.release())
    assert progress.outcomes == {"both": "failed", "one": prediction(0)}

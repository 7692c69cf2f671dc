"""What a pipeline answers in streams of recordings, and which recording each answer is about.

A prediction belongs to the recording in which most of its span lies, the earlier of equals, and to none when
less than ``LEAST`` of its span lies in recordings. Of the predictions of one recording whose spans begin at
the same sample, as those of a running turn do, only the last counts. A recording's probabilities are the mean
of its predictions', weighted by the length of their spans; without any it has no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Protocol, Self, TypeVar

import msgspec
import numpy as np
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.errors import ConfigError, InputError, nearest
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Bools, Fault, Floats, Prediction

from ..corpora.corpus import Corpus, Item
from ..features.extraction import Progress
from ..statistics.bootstrap import Doubles
from ..statistics.metrics import Ints
from .live_streams import Place, Plan, audio

Found_co = TypeVar("Found_co", covariant=True)

LEAST = 0.5  # share of a prediction's span that must lie in recordings


@dataclass(frozen=True, slots=True)
class Answers:
    """The predictions of one stream: (n,) starts and stops in samples, (n, labels) probabilities.

    ``faults``: segments that a plugin gave up. ``distances``: (n,) from the training data, NaN where the
    classifier says none; None stands for no distance at all.
    """

    starts: Ints
    stops: Ints
    probabilities: Floats
    faults: int = 0
    distances: Floats | None = None


class StreamRunner:
    """Plays streams of recordings to one pipeline and keeps one target's predictions; close it when done.

    ``target`` may be None where the pipeline has but one. Raises ConfigError where it has none of that name.
    """

    def __init__(self, description: PipelineConfig, target: str | None = None) -> None:
        self.host = Host(description)
        try:
            facts = [self.host.bus.facts[table.name] for table in description.classifiers]
            by_target = {one.target: one.labels for one in facts}
            if target is None and len(by_target) == 1:
                (target,) = by_target
            if target not in by_target:
                raise ConfigError(
                    "it must be said which target of the pipeline is evaluated"
                    if target is None
                    else f"the pipeline has no target '{target}'",
                    expected=f"one of {', '.join(by_target)}",
                    remedy="give --target" if target is None else nearest(target, by_target),
                )
        except BaseException:
            self.host.close()
            raise
        self.target, self.labels = target, by_target[target]

    def play(self, plan: Plan, items: Sequence[Item]) -> Answers:
        """The predictions in one stream; none in one that is too short for a segment."""
        found: list[Prediction] = []
        faults = 0
        stream = self.host.stream(plan.name)
        try:
            for output in stream.play(audio(plan, items, self.host.description.stream.rate)):
                if isinstance(output, Prediction) and output.target == self.target:
                    found.append(output)
                faults += isinstance(output, Fault)
        except InputError:
            if stream.pipeline.segments:
                raise
        rows = [[one.probabilities[label] for label in self.labels] for one in found]
        return Answers(
            np.array([one.span.start for one in found], np.int64),
            np.array([one.span.stop for one in found], np.int64),
            np.array(rows, np.float32).reshape(-1, len(self.labels)),
            faults,
            np.array([np.nan if one.distance is None else one.distance for one in found], np.float32),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.host.close()


class Runner(Protocol[Found_co]):
    """What plays streams to a pipeline, here and in other processes."""

    host: Host
    target: str

    def play(self, plan: Plan, items: Sequence[Item]) -> Found_co: ...


def play_all(
    runner: Runner[Found_co], corpus: Corpus, plans: Sequence[Plan], jobs: int, progress: Progress, what: str
) -> Iterator[Found_co]:
    """What the runner finds in each stream, in their order, played by so many processes."""
    work = [(plan, [corpus.items[place.item] for place in plan.places]) for plan in plans]
    if jobs == 1:
        for done, (plan, items) in enumerate(work, start=1):
            yield runner.play(plan, items)
            progress(done, len(work), what)
        return
    told = type(runner), msgspec.json.encode(runner.host.description), runner.target
    with ProcessPoolExecutor(jobs, get_context("spawn"), _begin, told) as pool:
        for done, answers in enumerate(pool.map(_play, work), start=1):
            yield answers
            progress(done, len(work), what)


def recording_probabilities(answers: Answers, places: Sequence[Place], least: float = LEAST) -> Doubles:
    """(places, labels): the probabilities of each recording of a stream, NaN for one without an answer."""
    starts, stops = (np.array([getattr(place, end) for place in places]) for end in ("start", "stop"))
    total = np.zeros((len(places), answers.probabilities.shape[1]))
    weight = np.zeros(len(places))
    for row, of in _last_of_each_start(answers, starts, stops, least).items():
        length = answers.stops[row] - answers.starts[row]
        total[of] += length * answers.probabilities[row].astype(np.float64)
        weight[of] += length
    with np.errstate(invalid="ignore"):
        return np.asarray(total / weight[:, np.newaxis], np.float64)


def recordings_beyond(
    answers: Answers, places: Sequence[Place], unsure_beyond: float | None, least: float = LEAST
) -> Bools:
    """(places,): where more than half of a recording's predictions lie that far from the training data.

    As with a state's voters, each prediction counts once. Nowhere if ``unsure_beyond`` is None.
    """
    far, counted = np.zeros(len(places)), np.zeros(len(places))
    if answers.distances is not None and unsure_beyond is not None:
        starts, stops = (np.array([getattr(place, end) for place in places]) for end in ("start", "stop"))
        for row, of in _last_of_each_start(answers, starts, stops, least).items():
            far[of] += answers.distances[row] > unsure_beyond
            counted[of] += 1
    return np.asarray(2 * far > counted)


def _last_of_each_start(answers: Answers, starts: Ints, stops: Ints, least: float) -> dict[int, int]:
    """The predictions that count: row of the prediction → place of its recording."""
    last: dict[tuple[int, int], int] = {}
    for row, (start, stop) in enumerate(zip(answers.starts, answers.stops, strict=True)):
        shared = np.maximum(0, np.minimum(stop, stops) - np.maximum(start, starts))
        if shared.sum() >= least * (stop - start):
            last[int(shared.argmax()), int(start)] = row
    return {row: place for (place, _), row in last.items()}


_RUNNER: list[Runner[Any]] = []  # of this process, which ends with it


def _begin(kind: Callable[[PipelineConfig, str], Runner[Any]], description: bytes, target: str) -> None:
    _RUNNER.append(kind(msgspec.json.decode(description, type=PipelineConfig), target))


def _play(work: tuple[Plan, list[Item]]) -> Any:
    return _RUNNER[0].play(*work)

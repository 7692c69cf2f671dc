"""Checks of extractors: of segments, of frames, of sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..types import Floats, read_only
from .budget import keeps_up, stopwatch
from .material import LONGEST_S, SENTENCES, SHORTEST_S, speech, trials
from .subject import Check, Subject, no_pickle

WINDOW_S, HOP_S, SENTENCE_S = 5.0, 1.0, 2.0
SPLIT = (
    "make it faster, or split it into describe and summarise: what is described once need not be described "
    "again for every window"
)
STATE = "keep nothing between calls: the engine interleaves streams and restarts workers"


def vectors(subject: Subject, samples: Sequence[Floats], plugin: Any = None) -> Floats:
    """What the plugin makes of several stretches of audio, (n, dim), whichever contract it follows."""
    facts = subject.facts
    if facts.kind == "extractor":
        segments = [subject.segment(one, index=index) for index, one in enumerate(samples)]
        return subject.shaped(
            subject.call("extract", segments, plugin), (len(samples), facts.dim), "extract", "speech"
        )
    rows = [described(subject, one, plugin=plugin) for one in samples]
    return subject.shaped(
        subject.call("summarise", rows, plugin), (len(rows), facts.dim), "summarise", "speech"
    )


def described(subject: Subject, samples: Floats, given: str = "speech", plugin: Any = None) -> Floats:
    """The checked descriptor rows of ``samples``, as the engine hands them on."""
    facts = subject.facts
    rows = subject.call("describe", samples, plugin)
    return read_only(subject.shaped(rows, (facts.rows(len(samples)), facts.channels), "describe", given))


def shapes(subject: Subject) -> None:
    """One segment and several give (n, dim) float32."""
    rate = subject.facts.rate
    vectors(subject, [speech(WINDOW_S, rate)])
    vectors(subject, [speech(seconds, rate, seed=3) for seconds in (1.0, 2.5, WINDOW_S)])


def purity(subject: Subject) -> None:
    """A result depends on nothing but its segment."""
    one, other = (speech(2.0, subject.facts.rate, seed) for seed in (1, 2))
    first = vectors(subject, [one])
    vectors(subject, [other])
    if not np.array_equal(first, vectors(subject, [one])):
        raise subject.fault("the same segment gave other numbers the second time", remedy=STATE)
    again = vectors(subject, [one], subject.build())
    if not np.array_equal(first, again):
        raise subject.fault(
            "a second instance with the same options gives other numbers",
            remedy="seed what is random, and derive everything else from the options",
        )


def batches(subject: Subject) -> None:
    """Several segments at once give what each gives alone."""
    several = [speech(seconds, subject.facts.rate, seed=7) for seconds in (1.0, 1.5, 1.5, 3.0)]
    together = vectors(subject, several)
    alone = np.concatenate([vectors(subject, [one]) for one in several])
    subject.same(
        together,
        alone,
        "several segments at once give other numbers than one by one",
        "mask padding, and normalise within each segment only",
    )


def untouched(subject: Subject) -> None:
    """The audio handed in is not written to, also where it could be."""
    before = speech(2.0, subject.facts.rate)
    given = before.copy()
    if subject.facts.kind == "extractor":
        subject.call("extract", [subject.segment(given)])
    else:
        rows = np.array(subject.call("describe", given))
        kept = rows.copy()
        subject.call("summarise", [rows])
        _unchanged(subject, rows, kept, "summarise")
    _unchanged(subject, given, before, "its method")
    vectors(subject, [before])


def _unchanged(subject: Subject, now: Floats, before: Floats, method: str) -> None:
    if not np.array_equal(now, before):
        raise subject.fault(
            f"{method} writes to its input", remedy="work on a copy, for example np.array(samples)"
        )


def extremes(subject: Subject) -> None:
    """Silence, a constant, a click and full scale give finite numbers."""
    for given, samples in trials(2.0, subject.facts.rate).items():
        _finite(subject, samples, given)


def lengths(subject: Subject) -> None:
    """The shortest and the longest segment give a vector each."""
    facts = subject.facts
    shortest = facts.least or round(SHORTEST_S * facts.rate)
    _finite(subject, speech(shortest / facts.rate, facts.rate), f"the shortest segment, {shortest} samples")
    _finite(subject, speech(LONGEST_S, facts.rate), f"a segment of {LONGEST_S:g} s")


def _finite(subject: Subject, samples: Floats, given: str) -> None:
    facts = subject.facts
    if facts.kind == "extractor":
        result, method = subject.call("extract", [subject.segment(samples)]), "extract"
    else:
        rows = described(subject, samples, given)
        result, method = subject.call("summarise", [rows]), "summarise"
    subject.shaped(result, (1, facts.dim), method, given)


def counts(subject: Subject) -> None:
    """As many rows as the hop and the support say, one from ``shortest`` on, none of too little audio."""
    facts = subject.facts
    fewest = [facts.shortest - 1, facts.shortest, (facts.shortest + facts.support) // 2] * bool(
        facts.shortest
    )
    for samples in (0, *fewest, facts.support - 1, facts.support, facts.support + 3 * facts.hop - 1):
        described(subject, speech(samples / facts.rate, facts.rate), f"{samples} samples")


def blocks(subject: Subject) -> None:
    """Audio described in blocks gives the rows of the whole."""
    facts = subject.facts
    samples = speech((facts.support + 12 * facts.hop) / facts.rate, facts.rate, seed=5)
    whole = described(subject, samples)
    for size in (1, 3, 5):
        parts = []
        for first in range(0, len(whole), size):
            last = min(first + size, len(whole)) - 1
            block = samples[first * facts.hop : last * facts.hop + facts.support]
            parts.append(described(subject, block))
        subject.same(
            np.concatenate(parts),
            whole,
            f"blocks of {size} rows give other rows than the whole",
            "row k may see [k * hop, k * hop + support) only: no padding, no normalisation over the "
            "argument; declare the support it really has",
        )


def locality(subject: Subject) -> None:
    """A row sees its own samples and no others."""
    facts = subject.facts
    samples = speech((facts.support + 12 * facts.hop) / facts.rate, facts.rate, seed=6)
    whole = described(subject, samples)
    for row in (0, 5, 12):
        start, stop = row * facts.hop, row * facts.hop + facts.support
        changed = -samples[::-1].copy()
        changed[start:stop] = samples[start:stop]
        subject.same(
            described(subject, read_only(changed))[row],
            whole[row],
            f"row {row} depends on audio outside [{start}, {stop})",
            "declare a larger support, or see less",
        )


def latency(subject: Subject) -> None:
    """One more window of live speech: the new second described, the whole window summarised."""
    facts = subject.facts
    samples = speech(WINDOW_S, facts.rate)
    newest = samples[: round(HOP_S * facts.rate) + facts.support]

    def window(spent_s: list[float]) -> None:
        rows = described(subject, samples) if facts.kind == "frame_extractor" else samples
        with stopwatch(spent_s):
            if facts.kind == "frame_extractor":
                subject.call("describe", newest)
                subject.call("summarise", [rows])
            else:
                subject.call("extract", [subject.segment(samples)])

    keeps_up(subject, window, HOP_S, SPLIT)


def pickles(subject: Subject) -> None:
    """Built and used without pickle, so nothing of it hides in one."""
    with no_pickle(subject):
        plugin = subject.build()
        if subject.facts.kind == "text_extractor":
            subject.call("encode", list(SENTENCES[:2]), plugin)
        else:
            vectors(subject, [speech(2.0, subject.facts.rate)], plugin)


def _encoded(subject: Subject, sentences: Sequence[str], plugin: Any = None) -> Floats:
    values = subject.call("encode", list(sentences), plugin)
    return subject.shaped(
        values, (len(sentences), subject.facts.dim), "encode", f"{len(sentences)} sentences"
    )


def sentences(subject: Subject) -> None:
    """Short, long and foreign sentences give a vector each."""
    for said in SENTENCES:
        _encoded(subject, [said])
    _encoded(subject, SENTENCES)


def sentences_alone(subject: Subject) -> None:
    """A sentence's vector does not depend on those beside it, nor on those before."""
    together = _encoded(subject, SENTENCES)
    alone = np.concatenate([_encoded(subject, [said]) for said in SENTENCES])
    subject.same(together, alone, "sentences together give other numbers than one by one", "mask the padding")
    again = _encoded(subject, SENTENCES, subject.build())
    subject.same(together, again, "a second instance gives other numbers", STATE)


def sentence_latency(subject: Subject) -> None:
    """One sentence, as speech brings one every few seconds."""

    def sentence(spent_s: list[float]) -> None:
        with stopwatch(spent_s):
            subject.call("encode", [SENTENCES[0]])

    keeps_up(subject, sentence, SENTENCE_S, "make it faster, or choose a smaller model")


PICKLE_FREE = Check("it neither reads nor writes pickle", pickles)
COMMON = (
    Check("one vector of float32 for each segment", shapes),
    Check("the same segment gives the same numbers, always", purity),
    Check("segments together give what each gives alone", batches),
    Check("the input is left as it was", untouched),
    Check("silence, clicks and full scale give finite numbers", extremes),
    Check("the shortest and the longest segment are taken", lengths),
    PICKLE_FREE,
    Check("a second of speech costs less than a second", latency, timed=True),
)
SEGMENTS = COMMON
FRAMES = (
    Check("as many rows as hop and support say", counts),
    Check("blocks give the rows of the whole", blocks),
    Check("a row sees its own samples only", locality),
    *COMMON,
)
TEXTS = (
    Check("one vector of float32 for each sentence", sentences),
    Check("sentences together give what each gives alone", sentences_alone),
    PICKLE_FREE,
    Check("a sentence costs less than the time it takes to say", sentence_latency, timed=True),
)

"""Recordings laid out as live speech is: one stream per speaker, in a seeded order, with pauses.

People who are monitored pause between what they say, and mostly speak neutrally. Room noise of −65 dBFS lies
between the recordings, before the first, after the last and under all of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from stimmung.engine.types import Chunk

from ..corpora.corpus import Corpus, Item
from ..features.audio import item_audio
from ..features.extraction import Progress

NOISE_DBFS = -65.0  # root mean square of the room
SMOOTHED = 4  # neighbours that the noise is averaged over
NEUTRAL = "neutral"
BRIEF_S = 0.25  # on either side of a recording that is a stream by itself
DRAWS = 3


@dataclass(frozen=True, slots=True)
class Condition:
    """How the recordings of a corpus become streams.

    ``pause_s`` of noise lie between recordings. With ``alone`` every recording is a stream of its own. With
    ``neutral``, a share of 1, each speaker's stream holds all of their neutral recordings and so many others,
    drawn by a seed, that this share is neutral; speakers without neutral recordings are left out. Where the
    number of others is no integer, chance rounds it, so that it is right on average. All is made ``draws``
    times, with the seeds 0, 1, 2, …
    """

    name: str
    pause_s: float = 5.0
    alone: bool = False
    neutral: float | None = None
    draws: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """The recording ``item`` of a corpus lies at the samples ``[start, stop)`` of a stream."""

    item: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One stream before it is heard: its recordings in order, ``pause`` samples of noise around each."""

    name: str
    speaker: str
    draw: int
    pause: int
    places: tuple[Place, ...]

    @property
    def length(self) -> int:
        """Samples of the stream."""
        return self.places[-1].stop + self.pause


def conditions(pause_s: float, *, neutral: bool) -> list[Condition]:
    """The conditions of a corpus: plain, live and, if it has neutral recordings, everyday.

    ``pause_s``: seconds between recordings, in all but the first.
    """
    found = [Condition("plain", BRIEF_S, alone=True), Condition("live", pause_s)]
    return found + ([everyday(share, pause_s) for share in (0.8, 0.95)] if neutral else [])


def everyday(neutral: float, pause_s: float) -> Condition:
    """Mostly neutral speech, of which ``neutral`` is the share."""
    return Condition(f"everyday_{100 * neutral:g}", pause_s, neutral=neutral, draws=DRAWS)


def lengths(corpus: Corpus, rate: int, progress: Progress) -> list[int]:
    """Samples of each recording at ``rate`` Hz; raises InputError for audio that cannot be used."""
    found = []
    for item in corpus.items:
        found.append(len(item_audio(item, rate)))
        progress(len(found), len(corpus.items), "recordings read")
    return found


def plans(corpus: Corpus, samples: Sequence[int], rate: int, condition: Condition) -> list[Plan]:
    """The streams of a condition, ``samples`` being the length of each recording at ``rate`` Hz."""
    pause = round(condition.pause_s * rate)
    found = []
    for draw in range(condition.draws):
        for speaker in corpus.speakers:
            order = _order(corpus, speaker, condition, draw)
            if condition.alone:
                found += [_plan(f"{speaker}/{item}", speaker, draw, pause, [item], samples) for item in order]
            elif order:
                found.append(_plan(f"{speaker} {draw}", speaker, draw, pause, order, samples))
    return found


def audio(plan: Plan, items: Sequence[Item], rate: int) -> Iterator[Chunk]:
    """The chunks of a stream, (n, 1) at ``rate`` Hz, ``items`` being its recordings in their order."""
    random = np.random.default_rng([plan.draw, zlib.crc32(plan.name.encode())])
    yield _noise(random, plan.pause, rate)
    for item in items:
        samples = item_audio(item, rate)
        room = _noise(random, len(samples), rate)
        yield Chunk(room.samples + samples[:, np.newaxis], rate)
        yield _noise(random, plan.pause, rate)


def _order(corpus: Corpus, speaker: str, condition: Condition, draw: int) -> list[int]:
    random = np.random.default_rng([draw, zlib.crc32(speaker.encode())])
    own = np.array([at for at, item in enumerate(corpus.items) if item.speaker == speaker])
    if condition.neutral is not None:
        own = _mostly_neutral(corpus, own, condition.neutral, random)
    return [int(item) for item in random.permutation(own)]


def _mostly_neutral(
    corpus: Corpus, own: npt.NDArray[np.int64], share: float, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    neutral = np.array([corpus.items[at].label == NEUTRAL for at in own])
    wanted = neutral.sum() * (1 - share) / share
    count = int(wanted) + int(random.random() < wanted % 1)
    others = random.permutation(own[~neutral])[:count]
    return np.concatenate([own[neutral], others])


def _plan(
    name: str, speaker: str, draw: int, pause: int, order: Sequence[int], samples: Sequence[int]
) -> Plan:
    places, at = [], pause
    for item in order:
        places.append(Place(item, at, at + samples[item]))
        at += samples[item] + pause
    return Plan(name, speaker, draw, pause, tuple(places))


def _noise(random: np.random.Generator, count: int, rate: int) -> Chunk:
    """Low-passed, as rooms are: the mean of four neighbours."""
    level = np.float32(10 ** (NOISE_DBFS / 20) / np.sqrt(SMOOTHED))
    white = random.standard_normal(count + SMOOTHED - 1, np.float32)
    smooth = np.convolve(white, np.full(SMOOTHED, level, np.float32), "valid")
    return Chunk(smooth[:, np.newaxis], rate)

"""What is done to recordings before they are heard: copies for training, one condition for testing, pauses.

Every alteration is seeded by the recording it belongs to, never by its place in a corpus or by the order of
work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from stimmung.engine.errors import ConfigError, nearest
from stimmung.engine.types import Floats

from ..corpora.corpus import Corpus, Item
from ..recipes.sections import Augmentation
from . import augmentation
from .audio import identity, item_audio
from .augmentation import Kind

LOUDEST = 1.0  # where a microphone clips
BABBLE = 6  # voices at once

CONDITIONS = {
    "level": "40 dB quieter",
    "dc": "a constant offset of 0.1 of full scale",
    "noise": "white noise, the speech 20 dB above it",
    "babble": "six other recordings of the corpus at once, the speech 20 dB above them",
    "telephone": "300 to 3400 Hz and μ-law with 8 bits",
    "opus": "Opus at 12 kbit/s",
    "room": "reverberation that decays by 60 dB in 0.5 s, the direct sound 3 dB above it",
}


@dataclass(frozen=True, slots=True)
class Copied:
    """The random conditions of one copy of one recording."""

    settings: Augmentation
    seed: tuple[int, ...]

    @property
    def key(self) -> str:
        """The settings, without the list of copies, and the seed."""
        own = msgspec.to_builtins(self.settings)
        del own["copies"]
        return f"copy {msgspec.json.encode(own, order='sorted').decode()} {self.seed}"

    def __call__(self, samples: Floats, rate: int) -> Floats:
        """The recording as this copy of it is heard: nothing louder than full scale."""
        table, random = self.settings, np.random.default_rng(self.seed)
        if random.random() < table.room:
            rt60_s, direct_db = random.uniform(*table.rt60_s), random.uniform(*table.direct_db)
            samples = augmentation.reverberate(samples, rate, random, rt60_s=rt60_s, direct_db=direct_db)
        if random.random() < table.noise:
            kinds: tuple[Kind, ...] = ("white", "coloured", "hum")
            kind = kinds[random.choice(3, p=(0.3, 0.5, 0.2))]
            other = augmentation.noise(len(samples), rate, random, kind)
            samples = augmentation.add(samples, other, rate, snr_db=random.uniform(*table.snr_db))
        if random.random() < table.telephone:
            low_hz, high_hz = random.uniform(200, 350), random.uniform(3000, 3600)
            samples = augmentation.telephone(samples, rate, low_hz=low_hz, high_hz=high_hz)
        if random.random() < table.codec:
            codec = "opus" if random.random() < 0.5 else "mp3"
            samples = augmentation.coded(samples, rate, codec, kbit_s=random.uniform(*table.kbit_s))
        if random.random() < table.tilt:
            samples = augmentation.tilt(samples, random.uniform(-0.4, 0.4))
        if random.random() < table.level:
            samples = augmentation.scale(samples, random.uniform(*table.level_db))
        if random.random() < table.dc:
            samples = augmentation.offset(samples, random.uniform(-1, 1) * table.dc_level)
        return np.clip(samples, -LOUDEST, LOUDEST)


@dataclass(frozen=True, slots=True)
class Condition:
    """One of :data:`CONDITIONS`, always at the same strength; ``others`` are the recordings of a babble."""

    name: str
    seed: tuple[int, ...]
    others: tuple[Item, ...] = ()

    @property
    def key(self) -> str:
        """The name, the seed, and which recordings babble."""
        babble = " ".join(identity(item) for item in self.others)
        return f"condition {self.name} {self.seed} {babble}"

    def __call__(self, samples: Floats, rate: int) -> Floats:
        """The recording under the condition."""
        random = np.random.default_rng(self.seed)
        if self.name == "level":
            return augmentation.scale(samples, -40)
        if self.name == "dc":
            return augmentation.offset(samples, 0.1)
        if self.name == "telephone":
            return augmentation.telephone(samples, rate)
        if self.name == "opus":
            return augmentation.coded(samples, rate, "opus", kbit_s=12)
        if self.name == "room":
            return augmentation.reverberate(samples, rate, random, rt60_s=0.5, direct_db=3)
        if self.name == "babble":
            return augmentation.add(samples, self._babble(len(samples), rate), rate, snr_db=20)
        white = augmentation.noise(len(samples), rate, random, "white")
        return augmentation.add(samples, white, rate, snr_db=20)

    def _babble(self, length: int, rate: int) -> Floats:
        """All others at the same level, each repeated to the length."""
        voices = [item_audio(item, rate) for item in self.others]
        equal = [voice / augmentation.active_rms(voice, rate) for voice in voices]
        return np.sum([np.resize(voice, length) for voice in equal], axis=0)


@dataclass(frozen=True, slots=True)
class Paused:
    """A recording between pauses, with faint room noise throughout, and then as it is altered besides."""

    seed: tuple[int, ...]
    then: Copied | Condition | None = None
    before_s: float = 0.5
    after_s: float = 1.0
    noise_db: float = -65.0

    @property
    def key(self) -> str:
        """The pauses, the noise, its seed, and what comes after."""
        pauses = f"paused {self.before_s} {self.after_s} {self.noise_db} {self.seed}"
        return pauses if self.then is None else f"{pauses}, {self.then.key}"

    def __call__(self, samples: Floats, rate: int) -> Floats:
        """So many seconds longer than it was."""
        heard = augmentation.in_room(
            samples,
            rate,
            np.random.default_rng(self.seed),
            before_s=self.before_s,
            after_s=self.after_s,
            noise_db=self.noise_db,
        )
        return heard if self.then is None else self.then(heard, rate)


def copied(items: Sequence[Item], settings: Augmentation, number: int) -> list[Item]:
    """The recordings as the copy ``number``, from 0, of the settings."""
    speed = settings.copies[number]
    name = f"×{speed:g}#{number + 1}"
    return [
        replace(
            item, speed=speed, copy=name, alteration=Copied(settings, seed_of(item, settings.seed, number))
        )
        for item in items
    ]


def under(corpus: Corpus, name: str) -> Corpus:
    """All recordings under one of :data:`CONDITIONS`; raises ConfigError."""
    if name not in CONDITIONS:
        raise ConfigError(
            f"unknown condition '{name}'",
            expected="; ".join(f"{known}: {what}" for known, what in CONDITIONS.items()),
            remedy=nearest(name, CONDITIONS),
        )
    if corpus.items[0].text is not None:
        raise ConfigError(
            f"condition '{name}' changes audio", got=f"corpus '{corpus.name}', which holds no audio"
        )
    babbles = name == "babble"
    if babbles and len(corpus.speakers) < 2:
        raise ConfigError(
            "condition 'babble' needs recordings of other speakers", got=f"one speaker in '{corpus.name}'"
        )
    items = []
    for item in corpus.items:
        seed = seed_of(item)
        others = _babbling(corpus, item, seed) if babbles else ()
        items.append(replace(item, alteration=Condition(name, seed, others)))
    return replace(corpus, items=tuple(items))


def paused(item: Item) -> Item:
    """The recording between pauses, its own alteration applied to them too."""
    then = item.alteration
    if not (then is None or isinstance(then, Copied | Condition)):
        return item
    return replace(item, alteration=Paused(seed_of(item, 1), then))


def seed_of(item: Item, *more: int) -> tuple[int, ...]:
    """What the randomness of a recording starts from: its audio, wherever it lies."""
    own = hashlib.sha256(identity(replace(item, speed=1.0, alteration=None)).encode()).digest()
    return (int.from_bytes(own[:8], "big"), *more)


def _babbling(corpus: Corpus, item: Item, seed: Sequence[int]) -> tuple[Item, ...]:
    """A few recordings of other speakers, of the same corpus where several are joined."""
    others = [
        other for other in corpus.items if other.speaker != item.speaker and other.corpus == item.corpus
    ] or [other for other in corpus.items if other.speaker != item.speaker]
    count = min(BABBLE, len(others))
    chosen = np.random.default_rng([*seed, 2]).choice(len(others), count, replace=False)
    return tuple(replace(others[number], alteration=None) for number in chosen)

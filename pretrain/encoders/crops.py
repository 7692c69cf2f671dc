"""Random crops of recordings, augmented; each is a function of its number alone.

So a training that is interrupted goes on with exactly the crops it would have seen. Embedded Emotions,
section 2.1: 5 s at random, shifted by up to 20 %, small uniform and Gaussian noise. What goes beyond the
paper makes up for its thousand hours: other rooms, microphones, loudness and lengths of vocal tract.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import soundfile
import soxr
import torch
from scipy import fft
from stimmung.engine.audio.dc import DcBlocker
from stimmung.engine.config.toml import Share, Table
from stimmung.engine.errors import InputError
from stimmung.engine.types import Floats
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ..corpora.corpus import Item

LOWEST_HZ = 62.5  # the filter's first corner; the others follow octave by octave up to the Nyquist frequency
STEEPEST_DB = 6.0  # an octave, of the background noise: from white to brown


class Augment(Table, frozen=True):
    """How much crops are changed; the default of each is not at all.

    ``shift``: the share of a crop by which it is at most turned round, to either side. ``uniform_noise``
    and ``gaussian_noise``: the largest amplitude and deviation of the noise that is added, full scale
    being 1; each crop draws its own up to it. ``gain_db``: how much louder or softer a crop may become.
    ``speed``: the share by which it is at most faster or slower, pitch and formants with it. ``filter_db``:
    how far each octave may be raised or lowered. ``snr_db``: the lowest and highest ratio of the speech to
    a background noise of random colour.
    """

    shift: Share = 0.0
    uniform_noise: float = 0.0
    gaussian_noise: float = 0.0
    gain_db: float = 0.0
    speed: Share = 0.0
    filter_db: float = 0.0
    snr_db: tuple[float, float] | None = None


class Crops(Dataset[tuple[Tensor, int]]):
    """Crop number n is of recording n modulo the number of recordings: (samples, position of its label)."""

    def __init__(
        self, items: Sequence[Item], labels: Sequence[str], rate: int, crop: int, augment: Augment, seed: int
    ) -> None:
        self._items, self._labels, self._rate, self._crop = items, labels, rate, crop
        self._augment, self._seed = augment, seed
        self._lengths: dict[int, int] = {}

    def __getitem__(self, number: int) -> tuple[Tensor, int]:
        which = number % len(self._items)
        random = np.random.default_rng((self._seed, number))
        samples = self._augmented(self._read(which, random), random)
        return torch.from_numpy(samples), self._labels.index(self._items[which].label)

    def _read(self, which: int, random: np.random.Generator) -> Floats:
        item = self._items[which]
        pace = 1 + random.uniform(-self._augment.speed, self._augment.speed)
        wanted = round(self._crop * pace)
        try:
            with soundfile.SoundFile(item.file) as file:
                if file.samplerate != self._rate or file.channels != 1:
                    raise InputError(
                        f"'{item.file}' cannot be cropped",
                        got=f"{file.samplerate} Hz, {file.channels} channels",
                        expected=f"{self._rate} Hz mono",
                        remedy="convert the corpus once, for example with sox",
                    )
                file.seek(int(random.integers(max(0, file.frames - wanted) + 1)))
                samples: Floats = file.read(wanted, dtype="float32")
        except soundfile.SoundFileError as error:
            raise InputError(f"cannot read '{item.file}'", got=str(error)) from error
        samples = DcBlocker(self._rate).remove(samples)  # as the intake of a pipeline does
        if pace != 1:
            samples = soxr.resample(samples, pace, 1.0, quality="LQ")[: self._crop]
        return np.resize(samples, self._crop) if len(samples) < self._crop else samples

    def _augmented(self, samples: Floats, random: np.random.Generator) -> Floats:
        augment, size = self._augment, len(samples)
        reach = round(augment.shift * size)
        samples = np.roll(samples, int(random.integers(-reach, reach + 1)))
        if augment.filter_db:
            samples = _filtered(samples, self._rate, augment.filter_db, random)
        if augment.snr_db is not None:
            samples = samples + _background(samples, augment.snr_db, random)
        samples = samples * np.float32(10 ** (random.uniform(-augment.gain_db, augment.gain_db) / 20))
        amplitude = augment.uniform_noise * random.random(dtype=np.float32)
        samples += amplitude * (2 * random.random(size, dtype=np.float32) - 1)
        deviation = augment.gaussian_noise * random.random(dtype=np.float32)
        samples += deviation * random.standard_normal(size, dtype=np.float32)
        return samples


def _filtered(samples: Floats, rate: int, most_db: float, random: np.random.Generator) -> Floats:
    """Each octave raised or lowered by up to ``most_db``, straight in decibels over the octaves between."""
    octaves = np.log2(np.maximum(fft.rfftfreq(len(samples), 1 / rate), LOWEST_HZ) / LOWEST_HZ)
    corners = np.arange(np.ceil(octaves[-1]) + 1)
    gains_db = np.interp(octaves, corners, random.uniform(-most_db, most_db, len(corners)))
    spectrum = fft.rfft(samples) * (10 ** (gains_db / 20)).astype(np.float32)
    filtered: Floats = fft.irfft(spectrum, len(samples))
    return filtered


def _background(samples: Floats, snr_db: tuple[float, float], random: np.random.Generator) -> Floats:
    """Noise that falls by 0 to 6 dB an octave, at a random ratio to the power of ``samples``."""
    spectrum = fft.rfft(random.standard_normal(len(samples), dtype=np.float32))
    slope = random.uniform(0, STEEPEST_DB) / STEEPEST_DB
    noise = fft.irfft(
        spectrum / np.arange(1, len(spectrum) + 1, dtype=np.float32) ** np.float32(slope), len(samples)
    )
    wanted = np.sqrt(np.mean(samples**2)) / 10 ** (random.uniform(*snr_db) / 20)
    scaled: Floats = noise * np.float32(wanted / np.sqrt(np.mean(noise**2)))
    return scaled


class Numbers(Sampler[int]):
    """The crops of one epoch in random order; every epoch has numbers of its own.

    The trainer calls :meth:`set_epoch` before each epoch, also before the one it resumes with.
    """

    def __init__(self, crops: int, seed: int) -> None:
        self._crops, self._seed, self._epoch = crops, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch to be iterated next."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng((self._seed, self._epoch)).permutation(self._crops)
        return iter((self._epoch * self._crops + order).tolist())

    def __len__(self) -> int:
        return self._crops

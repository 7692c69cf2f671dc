"""Each condition changes what it says it changes, and the same seed gives the same samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from stimmung.engine.types import Floats
from stimmung.pretrain.features import augmentation
from support import syllables

RATE = 16000
Change = Callable[[Floats, np.random.Generator], Floats]

CHANGES: dict[str, Change] = {
    "room": lambda x, r: augmentation.reverberate(x, RATE, r, rt60_s=0.5, direct_db=3),
    "noise": lambda x, r: augmentation.add(
        x, augmentation.noise(len(x), RATE, r, "coloured"), RATE, snr_db=20
    ),
    "telephone": lambda x, r: augmentation.telephone(x, RATE),
    "opus": lambda x, r: augmentation.coded(x, RATE, "opus", kbit_s=12),
    "mp3": lambda x, r: augmentation.coded(x, RATE, "mp3", kbit_s=16),
    "tilt": lambda x, r: augmentation.tilt(x, 0.4),
    "level": lambda x, r: augmentation.scale(x, -40),
    "dc": lambda x, r: augmentation.offset(x, 0.1),
}


@pytest.fixture(scope="module")
def speech() -> Floats:
    return syllables(2.0)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def band_db(samples: Floats, low_hz: float, high_hz: float) -> float:
    """The power between two frequencies."""
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    return float(10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].mean() + 1e-20))


def rms_db(samples: Floats) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-20))


@pytest.mark.parametrize("name", CHANGES)
def test_a_condition_changes_the_samples_and_neither_their_number_nor_its_input(
    name: str, speech: Floats
) -> None:
    before = speech.copy()
    heard = CHANGES[name](speech, random())
    assert heard.dtype == np.float32
    assert heard.shape == speech.shape
    assert np.isfinite(heard).all()
    assert not np.array_equal(heard, speech)
    assert np.array_equal(speech, before)


@pytest.mark.parametrize("name", CHANGES)
def test_the_same_seed_gives_the_same_samples(name: str, speech: Floats) -> None:
    assert np.array_equal(CHANGES[name](speech, random(1)), CHANGES[name](speech, random(1)))


@pytest.mark.parametrize("name", ["room", "noise"])
def test_another_seed_gives_other_samples(name: str, speech: Floats) -> None:
    assert not np.array_equal(CHANGES[name](speech, random(1)), CHANGES[name](speech, random(2)))


def test_a_room_decays_by_sixty_decibels_in_its_time() -> None:
    click = np.zeros(RATE, np.float32)
    click[0] = 1
    tail = augmentation.reverberate(click, RATE, random(), rt60_s=0.4, direct_db=3)[1:].astype(np.float64)
    decay_db = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1][: round(0.3 * RATE)] / np.sum(tail**2))
    slope_db = np.polyfit(np.arange(len(decay_db)) / RATE, decay_db, 1)[0]  # after Schroeder 1965
    assert -60 / slope_db == pytest.approx(0.4, rel=0.15)
    assert 10 * np.log10(np.sum(tail**2)) == pytest.approx(-3, abs=0.1)


@pytest.mark.parametrize("snr_db", [8.0, 20.0])
def test_noise_lies_so_far_below_what_is_spoken(speech: Floats, snr_db: float) -> None:
    pauses = np.concatenate([speech, np.zeros_like(speech)])
    noise = augmentation.noise(len(pauses), RATE, random(), "white")
    heard = augmentation.add(pauses, noise, RATE, snr_db=snr_db)
    spoken_db = 20 * np.log10(augmentation.active_rms(speech, RATE))
    assert spoken_db - rms_db(heard[len(speech) :]) == pytest.approx(snr_db, abs=0.5)


def test_pauses_do_not_count_as_speech_of_low_level(speech: Floats) -> None:
    pauses = np.concatenate([speech, np.zeros(3 * len(speech), np.float32)])
    assert augmentation.active_rms(pauses, RATE) == pytest.approx(
        augmentation.active_rms(speech, RATE), rel=0.05
    )


def test_hum_has_its_power_in_partials_of_the_mains_and_coloured_noise_in_the_bass() -> None:
    hum = augmentation.noise(2 * RATE, RATE, random(), "hum")
    coloured = augmentation.noise(2 * RATE, RATE, random(), "coloured")
    white = augmentation.noise(2 * RATE, RATE, random(), "white")
    assert band_db(hum, 40, 500) > band_db(hum, 500, 8000) + 40
    assert band_db(coloured, 50, 1000) > band_db(coloured, 4000, 8000) + 6
    assert band_db(white, 50, 1000) == pytest.approx(band_db(white, 4000, 8000), abs=1)


def test_a_telephone_passes_its_band_alone() -> None:
    white = 0.1 * augmentation.noise(2 * RATE, RATE, random(), "white").astype(np.float32)
    heard = augmentation.telephone(white, RATE)
    assert band_db(heard, 500, 3000) == pytest.approx(band_db(white, 500, 3000), abs=1)
    assert band_db(heard, 5000, 8000) < band_db(white, 5000, 8000) - 20
    assert band_db(heard, 10, 100) < band_db(white, 10, 100) - 20


def test_a_telephone_has_no_more_levels_than_eight_bits() -> None:
    tone = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE + 0.1)).astype(np.float32)
    assert len(np.unique(augmentation.telephone(syllables(1.0) + tone, RATE))) <= 255


@pytest.mark.parametrize("codec", ["opus", "mp3"])
def test_a_codec_keeps_the_time_of_what_was_said(codec: augmentation.Codec, speech: Floats) -> None:
    padded = np.concatenate([np.zeros(4000, np.float32), speech, np.zeros(4000, np.float32)])
    heard = augmentation.coded(padded, RATE, codec, kbit_s=24)
    lags = np.arange(-400, 401)
    similar = [float(np.dot(heard[4000 + lag : 4000 + lag + len(speech)], speech)) for lag in lags]
    assert abs(int(lags[np.argmax(similar)])) <= 80


def test_a_lower_rate_loses_more(speech: Floats) -> None:
    errors = [rms_db(augmentation.coded(speech, RATE, "opus", kbit_s=rate) - speech) for rate in (8.0, 64.0)]
    assert errors[0] > errors[1]


@pytest.mark.parametrize("codec", ["opus", "mp3"])
def test_a_word_of_a_tenth_of_a_second_can_be_coded(codec: augmentation.Codec) -> None:
    assert len(augmentation.coded(syllables(0.1), RATE, codec, kbit_s=12)) == 1600


def test_a_tilt_is_brighter_or_darker(speech: Floats) -> None:
    white = augmentation.noise(RATE, RATE, random(), "white").astype(np.float32)

    def slope_db(samples: Floats) -> float:
        return band_db(samples, 4000, 8000) - band_db(samples, 50, 2000)

    assert (
        slope_db(augmentation.tilt(white, 0.4)) < slope_db(white) < slope_db(augmentation.tilt(white, -0.4))
    )


def test_a_level_is_scaled_and_an_offset_added(speech: Floats) -> None:
    assert rms_db(augmentation.scale(speech, -40)) == pytest.approx(rms_db(speech) - 40, abs=0.01)
    assert augmentation.offset(speech, 0.1).mean() == pytest.approx(speech.mean() + 0.1, abs=1e-4)


def test_a_recording_stands_between_pauses_of_faint_noise(speech: Floats) -> None:
    heard = augmentation.in_room(speech, RATE, random(), before_s=0.5, after_s=1.0, noise_db=-65)
    assert len(heard) == len(speech) + round(1.5 * RATE)
    assert rms_db(heard[:8000]) == pytest.approx(-65, abs=0.5)
    assert rms_db(heard[-16000:]) == pytest.approx(-65, abs=0.5)
    assert rms_db(heard[8000 : 8000 + len(speech)] - speech) == pytest.approx(-65, abs=0.5)


def test_silence_stays_finite_under_every_condition() -> None:
    silence = np.zeros(RATE, np.float32)
    for change in CHANGES.values():
        assert np.isfinite(change(silence, random())).all()

"""A crop is a function of its number: the same always, and changed only as much as it is told to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from stimmung.engine.audio.dc import DcBlocker
from stimmung.engine.errors import InputError
from stimmung.pretrain.corpora.corpus import Item
from stimmung.pretrain.encoders.crops import Augment, Crops, Numbers

RATE, CROP = 16000, 8000
ALL = Augment(
    shift=0.2,
    uniform_noise=0.01,
    gaussian_noise=0.01,
    gain_db=6.0,
    speed=0.1,
    filter_db=10.0,
    snr_db=(5.0, 30.0),
)


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    time_s = np.arange(2 * RATE) / RATE
    items = []
    for speaker, hz in (("f", 220.0), ("m", 110.0)):
        path = tmp_path / f"{speaker}.flac"
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * time_s) + 0.1 * time_s / 2, RATE)
        items.append(Item(path, speaker, speaker))
    return items


def crops(items: list[Item], augment: Augment, seed: int = 0) -> Crops:
    return Crops(items, ("f", "m"), RATE, CROP, augment, seed)


def test_a_crop_depends_on_its_number_and_the_seed_alone(items: list[Item]) -> None:
    data = crops(items, ALL)
    forth = [data[number][0] for number in range(6)]
    back = [crops(items, ALL)[number][0] for number in reversed(range(6))]
    assert all((one == other).all() for one, other in zip(forth, reversed(back), strict=True))
    assert (forth[0] != forth[2]).any()
    assert (crops(items, ALL, seed=1)[0][0] != forth[0]).any()


def test_crops_go_round_the_recordings_with_their_labels(items: list[Item]) -> None:
    assert [crops(items, ALL)[number][1] for number in range(4)] == [0, 1, 0, 1]


def test_without_augmentation_a_crop_is_a_piece_of_the_recording(items: list[Item]) -> None:
    whole, _ = soundfile.read(items[0].file, dtype="float32")
    for number in (0, 2, 4):
        crop = crops(items, Augment())[number][0].numpy()
        pieces = [whole[at : at + CROP] for at in range(len(whole) - CROP + 1)]
        assert any((DcBlocker(RATE).remove(piece) == crop).all() for piece in pieces)


def test_a_short_recording_is_repeated(tmp_path: Path) -> None:
    ramp = np.linspace(-0.5, 0.5, 3000).astype(np.float32)
    soundfile.write(tmp_path / "short.wav", ramp, RATE, subtype="FLOAT")
    crop = crops([Item(tmp_path / "short.wav", "f", "f")], Augment())[0][0].numpy()
    np.testing.assert_array_equal(crop, np.resize(DcBlocker(RATE).remove(ramp), CROP))


def strongest_hz(samples: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax() * RATE / len(samples))


def test_speed_moves_the_pitch_by_its_share_at_most(items: list[Item]) -> None:
    data = crops(items, Augment(speed=0.1))
    heard = [strongest_hz(data[number][0].numpy()) for number in range(0, 40, 2)]
    assert 196 <= min(heard) < 208
    assert 232 < max(heard) <= 244


def test_background_noise_keeps_its_ratio(items: list[Item]) -> None:
    clean, noisy = crops(items, Augment()), crops(items, Augment(snr_db=(10.0, 10.0)))
    for number in range(4):
        speech = clean[number][0].numpy()
        noise = noisy[number][0].numpy() - speech
        assert 10 * np.log10(np.mean(speech**2) / np.mean(noise**2)) == pytest.approx(10.0, abs=0.01)


def test_gain_and_filter_stay_within_their_bounds(items: list[Item]) -> None:
    clean = crops(items, Augment())
    for augment, most_db in ((Augment(gain_db=6.0), 6.0), (Augment(filter_db=10.0), 10.0)):
        changed = crops(items, augment)
        ratios = [changed[n][0].numpy().std() / clean[n][0].numpy().std() for n in range(1, 30, 2)]
        gains_db = 20 * np.log10(ratios)
        assert most_db / 3 < np.abs(gains_db).max() <= most_db + 0.1


def test_what_cannot_be_cropped_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    (tmp_path / "b.wav").write_bytes(b"noise")
    with pytest.raises(InputError, match="got 8000 Hz, 1 channels, expected 16000 Hz mono"):
        crops([Item(tmp_path / "a.wav", "f", "f")], Augment())[0]
    with pytest.raises(InputError, match="cannot read"):
        crops([Item(tmp_path / "b.wav", "f", "f")], Augment())[0]


def test_every_epoch_has_numbers_of_its_own_each_once() -> None:
    numbers = Numbers(10, seed=3)
    first = list(numbers)
    numbers.set_epoch(2)
    third = list(numbers)
    assert sorted(first) == list(range(10))
    assert sorted(third) == list(range(20, 30))
    assert [n - 20 for n in third] != first
    again = Numbers(10, seed=3)
    again.set_epoch(2)
    assert list(again) == third

"""Pitch and voice quality of voices whose pitch, jitter, shimmer and noise are known."""

from __future__ import annotations

import numpy as np
import pytest
from stimmung.engine.types import Floats
from stimmung.plugins.extract.hsf import Hsf, viterbi
from stimmung.plugins.extract.hsf.rows import assemble

RATE = 16000
HSF = Hsf()
MIDDLE = slice(30, 150)


def voice(period: Floats, level: Floats | float = 1.0, noise: float = 0.0) -> Floats:
    """Two seconds of damped pulses, one every ``period`` samples, through a resonance at 700 Hz."""
    start = np.cumsum(period)
    place = start[start < 2 * RATE - 1]
    pulses = np.zeros(2 * RATE)
    level = np.broadcast_to(level, start.shape)[: len(place)]
    whole = place.astype(int)
    np.add.at(pulses, whole, level * (1 - place + whole))
    np.add.at(pulses, whole + 1, level * (place - whole))
    time_s = np.arange(400) / RATE
    ringing = np.exp(-time_s * 400) * np.sin(2 * np.pi * 700 * time_s)
    rest = noise * np.random.default_rng(0).normal(size=2 * RATE)
    return (0.3 * np.convolve(pulses, ringing)[: 2 * RATE] + rest).astype(np.float32)


def steady(hertz: float) -> Floats:
    return np.full(700, RATE / hertz, np.float32)


def contours(samples: Floats) -> dict[str, Floats]:
    names = ("f0", "voicing", "jitter", "jitter_ddp", "shimmer", "hnr")
    return dict(zip(names, assemble(HSF.describe(samples)).voiced[:, MIDDLE], strict=True))


@pytest.mark.parametrize("hertz", [80, 110, 155, 220, 310])
def test_f0_of_a_steady_voice_is_its_pulse_rate(hertz: float) -> None:
    found = contours(voice(steady(hertz)))
    assert found["f0"] == pytest.approx(hertz, rel=0.01)
    assert found["voicing"].min() > 0.7


def test_a_perfectly_periodic_voice_has_no_jitter_nor_shimmer() -> None:
    found = contours(voice(np.full(700, 128.0, np.float32), noise=1e-5))
    assert found["jitter"].max() < 1e-3
    assert found["shimmer"].max() < 1e-2
    assert found["hnr"].min() > 30


def test_jitter_is_the_mean_change_of_period_over_the_period() -> None:
    wobble = np.where(np.arange(700) % 2, 130.0, 126.0).astype(np.float32)
    found = contours(voice(wobble))
    assert np.median(found["jitter"]) == pytest.approx(4 / 128, rel=0.25)


def test_shimmer_is_the_mean_change_of_amplitude_over_the_amplitude() -> None:
    level = np.where(np.arange(700) % 2, 1.05, 0.95).astype(np.float32)
    found = contours(voice(steady(125), level))
    assert np.median(found["shimmer"]) == pytest.approx(0.1, rel=0.25)


def test_noise_lowers_the_harmonics_to_noise_ratio() -> None:
    clean, noisy, noisier = (
        np.median(contours(voice(steady(125), noise=n))["hnr"]) for n in (1e-4, 0.005, 0.02)
    )
    assert clean > noisy > noisier


def test_unvoiced_frames_have_the_published_floor() -> None:
    found = contours(np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32))
    unvoiced = found["f0"] == 0
    assert unvoiced.mean() > 0.9
    assert found["jitter"][unvoiced].max() == 0


def test_the_path_prefers_a_smooth_pitch_to_the_best_candidate_of_each_frame() -> None:
    frequency = np.zeros((9, 6), np.float32)
    voicing = np.zeros((9, 6), np.float32)
    frequency[:, 0], frequency[:, 1] = 120, 240
    voicing[:, 0], voicing[:, 1] = 0.85, 0.8
    frequency[4, :2], voicing[4, :2] = (240, 120), (0.85, 0.82)
    f0, _ = viterbi.contour(frequency, voicing)
    np.testing.assert_allclose(f0, 120)


def test_the_path_stays_unvoiced_where_no_candidate_is_likely() -> None:
    frequency = np.full((5, 6), 150, np.float32)
    f0, voicing = viterbi.contour(frequency, np.full((5, 6), 0.3, np.float32))
    assert not f0.any()
    np.testing.assert_allclose(voicing, 0.3)

"""Speech is heard; silence, steady noise and tones are not, however the audio arrives."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from stimmung.engine.errors import ConfigError
from stimmung.engine.types import Floats
from stimmung.plugins.detect.webrtc import WebRtcDetector

SECONDS = 10
LENGTH = SECONDS * 16_000

Noise = Callable[[float], Floats]


def white(level_dbfs: float) -> Floats:
    return (np.random.default_rng(0).standard_normal(LENGTH) * 10 ** (level_dbfs / 20)).astype(np.float32)


def pink(level_dbfs: float) -> Floats:
    spectrum = np.fft.rfft(white(0))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    samples = np.fft.irfft(spectrum, LENGTH)
    return (samples / samples.std() * 10 ** (level_dbfs / 20)).astype(np.float32)


def tone(hz: float) -> Floats:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(LENGTH) / 16_000)).astype(np.float32)


def syllables() -> Floats:
    """Harmonics of 120 Hz that swell and fade four times a second: what the detector calls speech."""
    time_s = np.arange(LENGTH) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * time_s) / k for k in range(1, 25))
    return (0.1 * buzz * np.abs(np.sin(2 * np.pi * 2 * time_s)) ** 2).astype(np.float32)


def share(samples: Floats, **options: float) -> float:
    whole = len(samples) // WebRtcDetector.hop * WebRtcDetector.hop
    return float(WebRtcDetector(**options).detect(samples[:whole]).mean())  # type: ignore[arg-type]


@pytest.mark.parametrize("level_dbfs", [-300, -90, -70])
def test_silence_and_near_silence_are_never_speech(level_dbfs: float) -> None:
    assert share(white(level_dbfs)) == 0


@pytest.mark.parametrize("level_dbfs", [-60, -40, -30, -20, -10])
@pytest.mark.parametrize("noise", [white, pink])
def test_steady_noise_is_speech_at_its_onset_at_most(
    noise: Callable[[float], Floats], level_dbfs: float
) -> None:
    assert share(noise(level_dbfs)) * SECONDS <= 0.3


@pytest.mark.parametrize("hz", [50, 220, 440, 1_000, 3_000])
def test_a_tone_is_speech_at_its_onset_at_most(hz: float) -> None:
    assert share(tone(hz)) * SECONDS <= 0.3


def test_noise_after_silence_is_taken_for_speech_for_a_second_at_most() -> None:
    samples = white(-20)
    samples[: LENGTH // 2] = 0
    assert share(samples) * SECONDS <= 1.1


def test_without_the_two_checks_steady_noise_is_speech() -> None:
    assert share(white(-20), floor_dbfs=-200, steady_db=0) > 0.9


def test_syllables_are_speech() -> None:
    assert share(syllables()) > 0.7


def test_the_floor_silences_what_is_below_it() -> None:
    assert share(syllables(), floor_dbfs=0) == 0


def test_speech_beyond_full_scale_is_clipped_and_stays_speech() -> None:
    assert share(syllables() * 20) > 0.7


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(0, 150), max_size=15))
def test_any_blocks_give_the_same_flags(sizes: list[int]) -> None:
    samples = syllables() + pink(-40)
    detector = WebRtcDetector()
    edges = [0, *(np.cumsum(sizes) * detector.hop).tolist(), LENGTH]
    parts = [detector.detect(samples[a:b]) for a, b in pairwise(edges) if a <= b]
    flags = WebRtcDetector().detect(samples)
    np.testing.assert_array_equal(np.concatenate(parts)[: len(flags)], flags)


def test_detecting_leaves_the_samples_as_they_are() -> None:
    samples = syllables()
    samples.flags.writeable = False
    assert WebRtcDetector().detect(samples).shape == (LENGTH // 160,)


def test_an_aggressiveness_that_webrtc_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="got 4, expected 0, 1, 2 or 3"):
        WebRtcDetector(4)


@pytest.mark.parametrize(
    ("corpus", "least"), [("emodb4/audio", 0.85), ("librispeech_mini/audio/test-other", 0.7)]
)
def test_most_of_real_speech_is_speech(corpora: Path, corpus: str, least: float) -> None:
    paths = sorted((corpora / corpus).glob("*.flac"))[::20]
    assert np.mean([share(soundfile.read(path, dtype="float32")[0]) for path in paths]) > least

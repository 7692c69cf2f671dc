"""Speech is heard at any level; silence, noise, tones and music are not, however the audio arrives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from stimmung.engine.audio.ingest import read_audio
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.engine.runtime.host import open_source
from stimmung.engine.types import Bools, Floats
from stimmung.plugins.detect.silero import Gain, SileroDetector
from stimmung.samples import SPEECH

RATE, HOP = SileroDetector.rate, SileroDetector.hop
SECONDS = 10
LENGTH = SECONDS * RATE
TIME_S = np.arange(LENGTH) / RATE
CASES = Path(__file__).parents[4] / "shared" / "cases" / "nonspeech"

Sound = Callable[[], Floats]


def flags(samples: Floats, **options: float) -> Bools:
    whole = len(samples) // HOP * HOP
    return SileroDetector(**options).detect(samples[:whole].astype(np.float32))  # type: ignore[arg-type]


def densest_window(found: Bools) -> float:
    """The highest share of speech in any five seconds, which is what a window of the default holds."""
    return float(np.convolve(found, np.ones(5 * RATE // HOP), "valid").max() * HOP / RATE / 5)


def speech() -> Floats:
    samples: Floats = soundfile.read(SPEECH, dtype="float32")[0]
    return samples


def white() -> Floats:
    return np.random.default_rng(0).standard_normal(LENGTH)


def pink() -> Floats:
    spectrum = np.fft.rfft(white())
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    return np.fft.irfft(spectrum, LENGTH)


def hum() -> Floats:
    return sum(np.sin(2 * np.pi * 50 * k * TIME_S) / k for k in range(1, 12)) + 0.02 * white()


def fan() -> Floats:
    blades = sum(np.sin(2 * np.pi * 118 * k * TIME_S) / k for k in range(1, 5))
    return pink() / pink().std() + 0.5 * blades


def busy() -> Floats:
    tones = np.sin(2 * np.pi * 480 * TIME_S) + np.sin(2 * np.pi * 620 * TIME_S)
    return tones * (TIME_S % 1 < 0.5)


def dialled() -> Floats:
    low, high = np.array([697, 770, 852, 941]), np.array([1209, 1336, 1477, 1633])
    key = (TIME_S / 0.2).astype(int)
    tones = np.sin(2 * np.pi * low[key % 4] * TIME_S) + np.sin(2 * np.pi * high[key // 4 % 4] * TIME_S)
    return tones * (TIME_S % 0.2 < 0.1)


def clicks() -> Floats:
    return white() * (np.random.default_rng(1).random(LENGTH) < 5 / RATE)


def organ() -> Floats:
    """A chord of three notes of eight harmonics, another every 0.8 s."""
    steps = np.array([0, 5, 7, 2, 4, 9])[(TIME_S / 0.8).astype(int) % 6]
    notes = [220 * 2 ** ((steps + third) / 12) for third in (0, 4, 7)]
    phases = [2 * np.pi * np.cumsum(hz) / RATE for hz in notes]
    return sum(np.sin(k * phase) / k for phase in phases for k in range(1, 9))


@pytest.mark.parametrize("level_dbfs", [-12, -25, -40, -55])
@pytest.mark.parametrize("sound", [white, pink, hum, fan, busy, dialled, clicks, organ])
def test_what_nobody_says_is_not_speech_from_the_first_hop_on(sound: Sound, level_dbfs: float) -> None:
    samples = sound()
    samples = samples / samples.std() * 10 ** (level_dbfs / 20)
    assert densest_window(flags(samples)) < 0.2


@pytest.mark.parametrize("pause_s", [1, 5, 30])
def test_the_first_words_after_silence_are_heard(pause_s: int) -> None:
    rng = np.random.default_rng(0)
    faint = 10 ** (-65 / 20) * rng.standard_normal(pause_s * RATE)
    found = flags(np.concatenate([faint, speech()[: 2 * RATE]]))
    alone = flags(speech()[: 2 * RATE])
    assert found[pause_s * RATE // HOP :].sum() >= 0.9 * alone.sum()


def test_silence_is_not_speech() -> None:
    assert not flags(np.zeros(LENGTH)).any()


@pytest.mark.parametrize("gain_db", [6, 0, -20, -40])
def test_speech_is_heard_at_any_level(gain_db: float) -> None:
    found = flags(speech() * 10 ** (gain_db / 20))
    assert found.mean() > 0.6


def test_a_silent_second_between_two_voices_is_not_speech() -> None:
    found = flags(speech())
    first, last = round(11.5 * RATE / HOP), 12 * RATE // HOP
    assert not found[first:last].any()


def test_speech_in_faint_noise_after_silence_is_heard() -> None:
    samples = np.concatenate([np.zeros(5 * RATE), speech()])
    samples = samples + 10 ** (-65 / 20) * np.random.default_rng(0).standard_normal(len(samples))
    found = flags(samples)
    assert not found[: 5 * RATE // HOP - 1].any()
    assert found[5 * RATE // HOP :].mean() > 0.7


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(0, 150), max_size=15))
def test_any_blocks_give_the_same_flags(sizes: list[int]) -> None:
    samples = speech()[:LENGTH]
    detector = SileroDetector()
    length = len(samples) // HOP
    edges = [0, *np.minimum(np.cumsum(sizes), length).tolist(), length]
    parts = [detector.detect(samples[a * HOP : b * HOP]) for a, b in pairwise(map(int, edges))]
    np.testing.assert_array_equal(np.concatenate(parts), flags(samples))


def test_two_detectors_share_nothing_that_is_heard() -> None:
    samples = speech()[: 64 * HOP]
    one, other = SileroDetector(), SileroDetector()
    other.detect(white().astype(np.float32)[: 64 * HOP])
    np.testing.assert_array_equal(one.detect(samples), SileroDetector().detect(samples))


def test_no_hops_give_no_flags() -> None:
    assert SileroDetector().detect(np.empty(0, np.float32)).shape == (0,)


def test_no_flag_changes_with_what_follows() -> None:
    samples = speech()[: 200 * HOP]
    changed = samples.copy()
    changed[100 * HOP :] = 0
    np.testing.assert_array_equal(flags(samples)[:100], flags(changed)[:100])


def test_speech_goes_on_for_the_hangover_and_no_longer() -> None:
    without, longer = flags(speech(), hangover_ms=0), flags(speech(), hangover_ms=10 * 32)
    expected = without.copy()
    for late in range(1, 11):
        expected[late:] |= without[:-late]
    np.testing.assert_array_equal(longer, expected)
    assert longer.sum() > without.sum()


def test_speech_once_begun_goes_on_down_to_the_release() -> None:
    samples = speech()[: 8 * RATE]  # without a silent second, after which it would begin anew
    strict, lax = (flags(samples, threshold=at, release=at, hangover_ms=0) for at in (0.9, 0.1))
    found = flags(samples, threshold=0.9, release=0.1, hangover_ms=0)
    assert found[strict].all()
    assert not found[~lax].any()
    longer = np.flatnonzero(found & ~strict)
    assert len(longer)
    assert found[longer - 1].all()


@pytest.mark.parametrize(("threshold", "release"), [(0.3, 0.5), (1.0, 0.5), (0.5, 0.0), (float("nan"), 0.1)])
def test_thresholds_out_of_order_are_refused(threshold: float, release: float) -> None:
    with pytest.raises(ConfigError, match="0 < release <= threshold < 1"):
        SileroDetector(threshold=threshold, release=release)


@pytest.mark.parametrize("option", ["hangover_ms", "gain_db"])
def test_a_negative_length_or_gain_is_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=f"{option} of detector 'silero', got -1, expected 0 or more"):
        SileroDetector(**{option: -1})  # type: ignore[arg-type]


def test_quiet_speech_is_heard_as_well_as_loud_within_the_gain() -> None:
    loud, quiet = flags(speech()), flags(speech() * 10 ** (-40 / 20))
    assert (loud == quiet).mean() > (loud == flags(speech() * 10 ** (-40 / 20), gain_db=0)).mean()


def test_the_gain_ends_where_the_level_is_reached_and_fades_in_slowly() -> None:
    hops = np.full((40, HOP), 10 ** (-45 / 20), np.float32)
    hops[10] = 1
    gains_db = 20 * np.log10(Gain(-30, 20).of(hops))
    np.testing.assert_allclose(gains_db[:10], 15, atol=1e-3)
    np.testing.assert_allclose(gains_db[10:], 0, atol=1e-3)
    faint = 20 * np.log10(Gain(-30, 20).of(hops[:5] / 100))
    np.testing.assert_allclose(faint, 20, atol=1e-3)


def test_the_model_of_another_plugin_is_refused() -> None:
    with pytest.raises(ModelError, match="is not for the plugin 'silero'"):
        SileroDetector("emotion_hsf_svm")


def test_onnxruntime_is_imported_when_the_plugin_is_built() -> None:
    program = "import sys, stimmung.plugins.detect.silero; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("name", ["white_noise", "mains_hum", "ringback_us_8k", "dtmf_8k"])
def test_calls_and_rooms_without_a_voice_are_not_speech(name: str) -> None:
    path = CASES / f"{name}.wav"
    if not path.is_file():
        pytest.skip("the cases are not on this machine (expected in ../shared/cases)")
    (feed,) = open_source(str(path)).feeds()
    assert not flags(read_audio(feed, RATE)).any()


@pytest.mark.parametrize("corpus", ["emodb4/audio", "librispeech_mini/audio/test-other"])
def test_most_of_real_speech_is_speech(corpora: Path, corpus: str) -> None:
    paths = sorted((corpora / corpus).glob("*.flac"))[::20]
    assert np.mean([flags(soundfile.read(path, dtype="float32")[0]).mean() for path in paths]) > 0.65

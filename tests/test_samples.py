"""The sample that ships is speech in the pipelines' own format, small, and says where it is from."""

from __future__ import annotations

import numpy as np
import soundfile
from stimmung.plugins.detect.webrtc import WebRtcDetector
from stimmung.samples import SPEECH


def test_the_sample_needs_no_conversion() -> None:
    info = soundfile.info(SPEECH)
    assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
    assert info.duration > 20
    assert SPEECH.stat().st_size < 500_000


def test_the_sample_is_speech_with_a_silent_second_between_two_voices() -> None:
    samples, rate = soundfile.read(SPEECH, dtype="float32")
    flags = WebRtcDetector().detect(samples[: len(samples) // 160 * 160])
    assert flags.mean() > 0.7
    assert not samples[11 * rate : 12 * rate].any()
    assert not np.any(flags[1_130:1_195])


def test_source_and_licence_stand_beside_the_sample() -> None:
    notice = SPEECH.with_suffix(".txt").read_text("utf-8")
    assert all(
        word in notice for word in ("Source", "Licence", "public domain", "Carnegie Mellon University")
    )

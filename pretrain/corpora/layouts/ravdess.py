"""RAVDESS: seven numbers in each file's name. Livingstone & Russo 2018, table 3."""

from __future__ import annotations

import re
from pathlib import Path

from .recording import Recording, audio

# modality - vocal channel - emotion - intensity - statement - repetition - actor
NAME = re.compile(r"03-01-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d)")
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
STATEMENTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}


def holds(root: Path) -> bool:
    """True for a folder with ``Actor_NN/`` of speech."""
    return any(NAME.fullmatch(file.stem) for file in audio(root, "Actor_*/*"))


def read(root: Path) -> list[Recording]:
    """Every recording of speech, with the targets emotion, intensity and gender and its transcript."""
    found = ((file, NAME.fullmatch(file.stem)) for file in audio(root, "Actor_*/*"))
    return [_recording(file, match) for file, match in found if match]


def _recording(file: Path, match: re.Match[str]) -> Recording:
    emotion, intensity, statement, _, actor = match.groups()
    labels = {
        "emotion": EMOTIONS[int(emotion) - 1],
        "intensity": "normal" if intensity == "01" else "strong",
        "gender": "m" if int(actor) % 2 else "f",
    }
    return Recording(file, actor, labels, transcript=STATEMENTS[statement])

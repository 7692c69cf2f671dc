"""EmoDB: speaker, text, emotion and version in each file's name. Burkhardt et al. 2005."""

from __future__ import annotations

import re
from pathlib import Path

from .recording import Recording, audio

NAME = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])")
EMOTIONS = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
WOMEN = {"08", "09", "13", "14", "16"}
TEXTS = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}


def holds(root: Path) -> bool:
    """True for a folder with ``wav/`` full of EmoDB's names."""
    return any(NAME.fullmatch(file.stem) for file in audio(root / "wav", "*"))


def read(root: Path) -> list[Recording]:
    """Every recording, with the targets emotion and gender and its transcript."""
    found = ((file, NAME.fullmatch(file.stem)) for file in audio(root / "wav", "*"))
    return [_recording(file, match) for file, match in found if match]


def _recording(file: Path, match: re.Match[str]) -> Recording:
    speaker, text, emotion, _ = match.groups()
    labels = {"emotion": EMOTIONS[emotion], "gender": "f" if speaker in WOMEN else "m"}
    return Recording(file, speaker, labels, transcript=TEXTS.get(text, ""))

"""IEMOCAP: five sessions of two speakers, evaluations and transcripts by dialogue. Busso et al. 2008."""

from __future__ import annotations

import re
from pathlib import Path

from .recording import Recording, lines

SESSIONS = range(1, 6)
# [start - end] utterance emotion [valence, activation, dominance]
EVALUATION = re.compile(
    r"\[[\d.]+ - [\d.]+\]\s+(Ses0\d[FM]_\S+_([FM])\d+)\s+(\w+)\s+\[([\d.]+), ([\d.]+), ([\d.]+)\]"
)
TRANSCRIPT = re.compile(r"(Ses\S+_[FM]\d+) \[[\d.]+-[\d.]+\]: ?(.*)")
EMOTIONS = {
    "ang": "anger",
    "hap": "happiness",
    "exc": "excitement",
    "sad": "sadness",
    "neu": "neutral",
    "fru": "frustration",
    "fea": "fear",
    "sur": "surprise",
    "dis": "disgust",
    "oth": "other",
    "xxx": "undecided",
}


def holds(root: Path) -> bool:
    """True for a folder with ``SessionN/dialog/EmoEvaluation``."""
    return any((root / f"Session{n}" / "dialog" / "EmoEvaluation").is_dir() for n in SESSIONS)


def read(root: Path) -> list[Recording]:
    """Every utterance, with the targets emotion, valence, activation, dominance, gender and session.

    "undecided" are the utterances on which no two listeners agreed. A speaker is a session and a gender.
    """
    recordings = []
    for number in SESSIONS:
        session = root / f"Session{number}"
        for evaluation in sorted((session / "dialog" / "EmoEvaluation").glob("Ses*.txt")):
            said = _transcripts(session / "dialog" / "transcriptions" / evaluation.name)
            for line in lines(evaluation):
                match = EVALUATION.match(line)
                if match:
                    recordings.append(_recording(session, number, match, said))
    return recordings


def _recording(session: Path, number: int, match: re.Match[str], said: dict[str, str]) -> Recording:
    utterance, gender, emotion, valence, activation, dominance = match.groups()
    dialogue = utterance.rpartition("_")[0]
    labels = {
        "emotion": EMOTIONS.get(emotion, emotion),
        "valence": valence,
        "activation": activation,
        "dominance": dominance,
        "gender": gender.lower(),
        "session": str(number),
    }
    file = session / "sentences" / "wav" / dialogue / f"{utterance}.wav"
    return Recording(file, f"Ses0{number}{gender}", labels, transcript=said.get(utterance, ""))


def _transcripts(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    matches = (TRANSCRIPT.match(line) for line in lines(path))
    return {match[1]: match[2].strip() for match in matches if match}

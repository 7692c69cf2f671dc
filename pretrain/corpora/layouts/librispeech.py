"""LibriSpeech: subsets of speakers of chapters, with a transcript a chapter. Panayotov et al. 2015."""

from __future__ import annotations

from pathlib import Path

from stimmung.engine.errors import InputError

from .recording import Recording, lines, part

SPEAKERS = "SPEAKERS.TXT"
LABELS = ("f", "m")


def holds(root: Path) -> bool:
    """True for a folder with SPEAKERS.TXT."""
    return (root / SPEAKERS).is_file()


def read(root: Path) -> list[Recording]:
    """Every recording of every subset that is there, with the targets gender and subset."""
    known = genders(root / SPEAKERS)
    recordings = []
    for chapter in sorted(root.glob("*/*/*")):
        said = dict(_split(line) for path in chapter.glob("*.trans.txt") for line in lines(path))
        for file in sorted(chapter.glob("*.flac")):
            speaker, subset = chapter.parent.name, chapter.parent.parent.name
            labels = {"subset": subset}
            if speaker in known:
                labels["gender"] = known[speaker]
            partition = part(subset.partition("-")[0], root)
            recordings.append(Recording(file, speaker, labels, partition, said.get(file.stem, "")))
    return recordings


def _split(line: str) -> tuple[str, str]:
    name, _, text = line.partition(" ")
    return name, text


def genders(path: Path) -> dict[str, str]:
    """Each speaker's gender: ``ID | SEX | SUBSET | MINUTES | NAME`` a line; ; begins a comment."""
    found = {}
    for number, line in enumerate(lines(path), start=1):
        if not line.strip() or line.startswith(";"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) < 2 or fields[1].lower() not in LABELS:
            raise InputError(f"{path} line {number} is malformed", got=line, expected="ID | F or M | …")
        found[fields[0]] = fields[1].lower()
    return found

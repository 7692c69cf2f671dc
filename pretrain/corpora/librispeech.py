"""Speech labelled with its speaker's gender: LibriSpeech's own folders, or a corpus.csv with a subset column.

Panayotov et al. 2015, "LibriSpeech: an ASR corpus based on public domain audio books".
"""

from __future__ import annotations

from pathlib import Path

from stimmung.engine.errors import InputError

from .corpus import Corpus, Item, read_corpus
from .layouts.librispeech import LABELS, SPEAKERS, genders


def read_speech(path: Path, subset: str) -> Corpus:
    """One subset of LibriSpeech, labelled "f" or "m".

    ``path`` is the folder that holds SPEAKERS.TXT and the subsets as they are published, or a
    corpus.csv (or its folder) with the columns file, speaker, gender and subset. Raises InputError.
    """
    if path.is_dir() and (path / SPEAKERS).is_file():
        return _published(path, subset)
    return read_corpus(path, "gender", LABELS, where={"subset": subset})


def hold_out(corpus: Corpus, speakers: int) -> tuple[Corpus, Corpus]:
    """(the rest, every recording of as many speakers), half of them of each gender.

    The speakers are those that come last in the order of their names, so that the choice is the same
    everywhere and owes nothing to chance.
    """
    held: set[str] = set()
    for label in LABELS:
        names = sorted({item.speaker for item in corpus.items if item.label == label})
        held |= set(names[len(names) - speakers // 2 :])
    rest = tuple(item for item in corpus.items if item.speaker not in held)
    if not rest or not held:
        raise InputError(
            f"'{corpus.name}' has too few speakers to hold {speakers} out", got=str(len(corpus.speakers))
        )
    return Corpus(corpus.name, rest), Corpus(
        corpus.name, tuple(item for item in corpus.items if item.speaker in held)
    )


def _published(root: Path, subset: str) -> Corpus:
    known = genders(root / SPEAKERS)
    files = sorted((root / subset).glob("*/*/*.flac"))
    if not files:
        raise InputError(
            f"no recording in '{root / subset}'", expected="SPEAKER/CHAPTER/*.flac", remedy="unpack it there"
        )
    return Corpus(root.name, tuple(_item(file, known) for file in files))


def _item(file: Path, genders: dict[str, str]) -> Item:
    speaker = file.parent.parent.name
    if speaker not in genders:
        raise InputError(f"speaker '{speaker}' of '{file}' is not in {SPEAKERS}")
    return Item(file, speaker, genders[speaker])

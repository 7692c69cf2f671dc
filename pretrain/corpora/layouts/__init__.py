"""Corpora as they are published: each layout is recognised by its own files and read as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import audformat_database, challenges, emodb, folders, iemocap, librispeech, ravdess
from .recording import Recording


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout: ``holds`` tells whether a folder follows it, ``read`` gives its recordings.

    ``obtain`` says how a user comes by the corpus, ``licence`` what may be done with it.
    """

    name: str
    title: str
    holds: Callable[[Path], bool]
    read: Callable[[Path], list[Recording]]
    obtain: str
    licence: str
    speakers_published: bool = True


LAYOUTS = (
    Layout(
        "emodb",
        "Berlin Database of Emotional Speech: wav/03a01Fa.wav",
        emodb.holds,
        emodb.read,
        "download.zip from http://emodb.bilderbar.info, or audb.load('emodb')",
        "free; cite Burkhardt et al. 2005",
    ),
    Layout(
        "ravdess",
        "RAVDESS, speech: Actor_01/03-01-05-01-01-01-01.wav",
        ravdess.holds,
        ravdess.read,
        "Audio_Speech_Actors_01-24.zip from https://zenodo.org/records/1188976",
        "CC BY-NC-SA 4.0; cite Livingstone & Russo 2018",
    ),
    Layout(
        "iemocap",
        "IEMOCAP: Session1/dialog/EmoEvaluation and Session1/sentences/wav",
        iemocap.holds,
        iemocap.read,
        "by request from https://sail.usc.edu/iemocap",
        "research licence, signed; cite Busso et al. 2008",
    ),
    Layout(
        "usoms-e",
        "USoMS-e, ComParE 2020 Elderly: lab/labels.csv and wav/",
        challenges.holds_usoms,
        challenges.read_usoms,
        "by request from the organisers of ComParE 2020, http://www.compare.openaudio.eu",
        "research licence, signed; cite Schuller et al. 2020",
        speakers_published=False,
    ),
    Layout(
        "emotass",
        "EmotAsS, ComParE 2018 Atypical Affect: lab/ComParE2018_AtypicalAffect.tsv and wav/",
        challenges.holds_emotass,
        challenges.read_emotass,
        "by request from the organisers of ComParE 2018, http://www.compare.openaudio.eu",
        "research licence, signed; cite Hantke et al. 2017",
        speakers_published=False,
    ),
    Layout(
        "librispeech",
        "LibriSpeech: SPEAKERS.TXT and train-clean-100/SPEAKER/CHAPTER/*.flac",
        librispeech.holds,
        librispeech.read,
        "https://www.openslr.org/12",
        "CC BY 4.0; cite Panayotov et al. 2015",
    ),
    Layout(
        "audformat",
        "a database in audformat: db.yaml, its tables and its media",
        audformat_database.holds,
        audformat_database.read,
        "audb.load(NAME, …) of https://audeering.github.io/audb, or your own",
        "the database's own",
    ),
    Layout(
        "folders",
        "plain folders: SPEAKER/LABEL/*.wav",
        folders.holds,
        folders.read,
        "your own",
        "your own",
    ),
)


def recognise(path: Path) -> Layout | None:
    """The layout that a folder follows, None where it follows none."""
    return next((layout for layout in LAYOUTS if layout.holds(path)), None)

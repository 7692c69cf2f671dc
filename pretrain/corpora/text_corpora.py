"""Sentences with a target's label: EmoBank and XED, as they are published.

Buechel & Hahn 2017, "EmoBank: Studying the Impact of Annotation Perspective and Representation Format on
Dimensional Emotion Analysis"; Öhman et al. 2020, "XED: A Multilingual Dataset for Sentiment Analysis and
Emotion Detection".
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from stimmung.engine.errors import ConfigError, InputError

from .corpus import Corpus, Item
from .targets import Targets

EMOBANK = "emobank.csv"
LEVELS = ("low", "medium", "high")
DIMENSIONS = {"valence": "V", "arousal": "A"}
PARTS = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Sentences:
    """A corpus of sentences for one target.

    ``documents`` are what the sentences are drawn from together; ``parts``: "train", "dev" or "test" each.
    """

    name: str
    labels: tuple[str, ...]
    texts: tuple[str, ...]
    truth: tuple[str, ...]
    documents: tuple[str, ...]
    parts: tuple[str, ...]


def as_corpus(sentences: Sentences) -> Corpus:
    """The sentences as items, their documents in the place of speakers."""
    rows = zip(sentences.texts, sentences.documents, sentences.truth, strict=True)
    items = (Item(Path(f"{at}"), document, label, text) for at, (text, document, label) in enumerate(rows))
    return Corpus(sentences.name, tuple(items))


def read_emobank(path: Path, target: str) -> Sentences:
    """Low, medium and high by the tertiles of the training sentences; tested on the published dev split.

    Every fifth training document, by a hash of its name, is the development partition.
    """
    if target not in DIMENSIONS:
        raise ConfigError(f"EmoBank has no target '{target}'", expected=" or ".join(DIMENSIONS))
    column = DIMENSIONS[target]
    with _open(path / EMOBANK) as lines:
        rows = [row for row in csv.DictReader(lines) if row["text"].strip()]
    value = np.array([float(row[column]) for row in rows])
    known = np.array([row["split"] == "train" for row in rows])
    low, high = np.quantile(value[known], [1 / 3, 2 / 3])
    documents = [_document(row["id"]) for row in rows]
    return Sentences(
        name="EmoBank",
        labels=LEVELS,
        texts=tuple(row["text"].strip() for row in rows),
        truth=tuple(LEVELS[int(v > low) + int(v > high)] for v in value),
        documents=tuple(documents),
        parts=tuple(
            ("dev" if _share(document) < 0.2 else "train") if own else "test"
            for document, own in zip(documents, known, strict=True)
        ),
    )


def read_xed(path: Path, language: str, targets: Targets) -> Sentences:
    """Negative, positive and, in English, neutral; lines of mixed or undecided emotions are left out.

    English lines come from two files that were prepared in different ways: :func:`_as_said` takes out what
    would give the file away. XED publishes no split and no documents: a hash of each line's text decides,
    70 % train, 15 % dev and 15 % test, so that a line that occurs twice is on one side only.
    """
    files = {"de": ["de-projections.tsv"], "en": ["en-annotated.tsv", "neu_en.txt"]}[language]
    table = targets.mapping("xed", "valence")
    prepare = _as_said if len(files) > 1 else str
    found = [
        (said, valence)
        for file in files
        for text, ids in _lines(path / file)
        if (valence := _only(table, ids)) is not None and (said := prepare(text))
    ]
    shares = [_share(text.lower()) for text, _ in found]
    return Sentences(
        name=f"XED {language}",
        labels=tuple(
            label for label in ("negative", "neutral", "positive") if label in {v for _, v in found}
        ),
        texts=tuple(text for text, _ in found),
        truth=tuple(valence for _, valence in found),
        documents=tuple(text.lower() for text, _ in found),
        parts=tuple(PARTS[int(share >= 0.7) + int(share >= 0.85)] for share in shares),
    )


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(text, emotion ids) of every line that has both; the published files have some that do not."""
    with _open(path) as lines:
        for line in lines:
            fields = [field.strip() for field in line.rstrip("\n").split("\t")]
            if len(fields) == 2:
                text, ids = fields if re.fullmatch(r"[\d, ]+", fields[1]) else reversed(fields)
                if text and re.fullmatch(r"[\d, ]+", ids):
                    yield text, re.findall(r"\d+", ids)


def _as_said(text: str) -> str:
    """An English subtitle without what only the preparation of its file tells.

    Annotated lines are split into tokens and have tags for names; neutral ones have names and not a single
    comma. So tags, names (capitals within a sentence), commas, dashes, quotes and spaces before marks go.
    """
    words = " ".join(re.sub(r"\[[^\]]*\]|[-–—,\"*#♪]", " ", text).split())
    nameless = re.sub(r"(?<=[\w'] )(?!I\b)[A-Z]\w*", "", words)
    return " ".join(re.sub(r"\s+([.!?;:…']+)", r"\1", nameless).split()).lstrip(".!?;:… ")


def _only(table: dict[str, str], ids: Sequence[str]) -> str | None:
    """The one valence all decided emotions of a line agree on."""
    decided = {table[emotion] for emotion in ids if emotion in table}
    return decided.pop() if len(decided) == 1 else None


def _document(identity: str) -> str:
    """EmoBank's ids end in the character positions in a document; headlines have none and stand alone."""
    return re.sub(r"_\d+_\d+$", "", identity)


def _share(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32


def _open(path: Path):  # type: ignore[no-untyped-def]
    try:
        return path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"cannot read '{path}'", got=str(error.strerror)) from error

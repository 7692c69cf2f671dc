"""Praat's TextGrid, long and short: the first interval tier whose name speaks of words or sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stimmung.engine.errors import InputError

from .cue import Cue

# Of the long form only the values count: then both forms are the same list of texts and numbers.
VALUES = re.compile(r'"((?:[^"]|"")*)"|(?<![\w.])(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?![\w.])|<exists>')
LABELS = re.compile(r"\[\d*\]:?")
NAMES = ("sentence", "utterance", "transcript", "text", "phrase", "ort", "word")


def read_textgrid(text: str, where: str) -> list[Cue]:
    """The intervals that hold text; pauses (<p:>, sil, sp) hold none. Raises InputError."""
    tiers = dict(_tiers(text, where))
    if not tiers:
        raise InputError(f"TextGrid '{where}' has no interval tier")
    named = [tier for part in NAMES for tier in tiers if part in tier.lower()]
    chosen = tiers[named[0]] if named else next(iter(tiers.values()))
    return [cue for cue in chosen if cue.text and cue.text.lower() not in ("<p:>", "<p>", "sil", "sp", "#")]


def _tiers(text: str, where: str) -> Iterator[tuple[str, list[Cue]]]:
    values = [
        match[1].replace('""', '"') if match[1] is not None else match[0]
        for match in VALUES.finditer(LABELS.sub("", text))
    ]
    try:
        if values[:2] != ["ooTextFile", "TextGrid"]:
            raise ValueError("no TextGrid header")
        rest = iter(values[4:])  # the file's type, its class, and its two times
        if next(rest) != "<exists>":
            return
        for _ in range(int(next(rest))):
            kind, name, _, _ = (next(rest) for _ in range(4))
            count = int(next(rest))
            if kind == "IntervalTier":
                yield name, [_interval(rest) for _ in range(count)]
            else:
                for _ in range(2 * count):
                    next(rest)
    except (StopIteration, RuntimeError, ValueError) as error:
        raise InputError(
            f"TextGrid '{where}' is malformed", got=str(error), remedy="save it again in Praat"
        ) from error


def _interval(rest: Iterator[str]) -> Cue:
    start_s, stop_s, words = float(next(rest)), float(next(rest)), next(rest)
    return Cue(" ".join(words.split()), start_s, stop_s)

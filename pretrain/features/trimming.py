"""Recordings without the silence before their first and after their last speech."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from msgspec import UNSET
from stimmung.engine.errors import ConfigError
from stimmung.engine.registry import build

from ..corpora.corpus import Corpus, Item
from ..recipes.recipe import Extraction
from .audio import item_audio
from .extraction import DETECTOR, Progress


def trimmed(recipe: Extraction, corpus: Corpus, progress: Progress) -> Corpus:
    """Each recording from ``trim_s`` before its first speech to as long after its last, if a recipe says so.

    One in which nothing is speech, or less than ``shortest_s`` with its margins, stays as it was recorded.
    Raises ConfigError for a corpus of sentences.
    """
    if recipe.trim_s is UNSET:
        return corpus
    if corpus.items[0].text is not None:
        raise ConfigError(
            f"recipe '{recipe.name}' has trim_s", got=f"corpus '{corpus.name}', which holds no audio"
        )
    items = []
    for position, item in enumerate(corpus.items):
        items.append(_trimmed(item, recipe.trim_s, recipe.shortest_s))
        progress(position + 1, len(corpus.items), "speech")
    return replace(corpus, items=tuple(items))


def _trimmed(item: Item, margin_s: float, shortest_s: float) -> Item:
    detector = build("detector", DETECTOR, {})  # a new one: it adapts to what it has heard
    audio = item_audio(item, detector.rate)
    speech = np.flatnonzero(detector.detect(audio[: len(audio) // detector.hop * detector.hop]))
    if not len(speech):
        return item
    hop_s, length_s = detector.hop / detector.rate, len(audio) / detector.rate
    start_s = max(0.0, speech[0] * hop_s - margin_s)
    stop_s = min(length_s, (speech[-1] + 1) * hop_s + margin_s)
    if stop_s - start_s < shortest_s:
        return item
    return replace(item, start_s=item.start_s + float(start_s), stop_s=item.start_s + float(stop_s))

"""Sentences of a text by spaCy's rules; no language model is needed, German and English alike.

Embedded Emotions, section 2.2, splits transcripts with spaCy (Honnibal & Montani 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from stimmung.engine.errors import ConfigError

LANGUAGES = ("de", "en")
ANY = "xx"  # spaCy's rules for languages it has none for


def split(text: str, language: str) -> list[tuple[int, int]]:
    """(start, stop) of each sentence in ``text`` by the rules of ``language``, without the spaces around."""
    spans = []
    for sentence in _pipeline(language)(text).sents:
        said = sentence.text.strip()
        if any(character.isalnum() for character in said):
            start = text.index(said, sentence.start_char)
            spans.append((start, start + len(said)))
    return spans


def splitter(language: str) -> Callable[[str], list[tuple[int, int]]]:
    """Splits by the rules of ``language``, or by common ones. Raises ConfigError where spaCy is missing."""
    rules = language if language in LANGUAGES else ANY
    _pipeline(rules)
    return partial(split, language=rules)


def check_language(language: str) -> None:
    """Raises ConfigError for a language whose sentences cannot be split."""
    if language not in LANGUAGES:
        raise ConfigError(
            f"sentences of language '{language}' cannot be split", expected=" or ".join(LANGUAGES)
        )


@cache
def _pipeline(language: str) -> Any:
    try:
        import spacy
    except ImportError as error:
        raise ConfigError(
            "spaCy is not installed", got=str(error), remedy="pip install 'stimmung[text]'"
        ) from error
    pipeline = spacy.blank(language)
    pipeline.add_pipe("sentencizer")
    pipeline.max_length = 10_000_000
    return pipeline

"""Several corpora as one: speakers told apart by their corpus, every recording with the name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from stimmung.engine.errors import ConfigError

from .corpus import Corpus


def join(corpora: Sequence[Corpus], people: Mapping[str, str] | None = None) -> Corpus:
    """All recordings of ``corpora`` in order, as one corpus.

    A speaker is called "CORPUS/SPEAKER". ``people`` gives another name than that of the corpus, by corpus:
    corpora with the same one are spoken by the same people, so "emodb/03" is one speaker, wherever recorded.
    Speakers count as published if those of all corpora are.
    Raises ConfigError when two corpora have the same name.
    """
    names = [corpus.name for corpus in corpora]
    for name, count in Counter(names).items():
        if count > 1:
            raise ConfigError(
                f"corpus '{name}' is given {count} times",
                got=", ".join(names),
                remedy="give it once; two folders of one name must be renamed",
            )
    known = people or {}
    items = tuple(
        replace(item, corpus=corpus.name, speaker=f"{known.get(corpus.name) or corpus.name}/{item.speaker}")
        for corpus in corpora
        for item in corpus.items
    )
    return Corpus(" + ".join(names), items, all(corpus.speakers_published for corpus in corpora))

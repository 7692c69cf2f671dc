"""Several corpora as one: speakers told apart by their corpus, every recording with the name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stimmung.engine.errors import ConfigError, InputError

from .checking import refuse_spellings, some
from .corpus import Corpus, Item


def join(corpora: Sequence[Corpus], people: Mapping[str, str] | None = None) -> Corpus:
    """All recordings of ``corpora`` in order, as one corpus.

    A speaker is called "CORPUS/SPEAKER". ``people`` gives another name than that of the corpus, by corpus:
    corpora with the same one are spoken by the same people, so "emodb/03" is one speaker, wherever recorded.
    Speakers count as published if those of all corpora are.
    Raises ConfigError when two corpora have the same name, InputError when they hold the same recording or
    spell the name of one of the same people in two ways.
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
    refuse_shared(items, known)
    return Corpus(" + ".join(names), items, all(corpus.speakers_published for corpus in corpora))


def refuse_shared(items: Sequence[Item], people: Mapping[str, str]) -> None:
    """Raises InputError for what could be trained on and tested as if it were two.

    That is a recording in two corpora, and a speaker whom corpora of the same people spell in two ways.
    """
    seen: dict[tuple[Path, float], str] = {}
    shared = []
    for item in items:
        if item.text is None:
            first = seen.setdefault((item.file.resolve(), item.start_s), item.corpus)
            if first != item.corpus:
                shared.append(f"'{item.file}' in {first} and {item.corpus}")
    if shared:
        raise InputError(
            f"{len(shared)} recording{'s' * (len(shared) > 1)} in more than one corpus",
            got=some(shared),
            expected="each recording in one corpus",
            remedy="keep its row in one of them",
        )
    for name in sorted(set(people.values())):
        own = [item.speaker for item in items if people.get(item.corpus) == name]
        refuse_spellings(f"what is said to be the same people, '{name}',", own)

"""Several corpora as one, their speakers told apart by the corpus' name, and the folds between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from stimmung.engine.errors import ConfigError, ProtocolError

from .corpora import Corpus
from .folds import LOCO, Fold, verify


def across(train: Corpus, test: Corpus) -> tuple[Corpus, list[Fold]]:
    """Both corpora as one, and the one fold between them; raises ProtocolError."""
    name = f"{train.name} → {test.name}"
    both = together([train, test], name)
    fold = Fold(name, _speakers(train), _speakers(test))
    verify([fold], both.speakers, everybody=False)
    return both, [fold]


def left_out_in_turn(protocol: str, corpora: Sequence[Corpus]) -> tuple[Corpus, list[Fold]]:
    """All corpora as one, and a fold for each: tested by a model of all others.

    Raises ConfigError or ProtocolError.
    """
    if protocol != LOCO or len(corpora) < 2:
        raise ConfigError(
            f"protocol '{protocol}' does not suit {len(corpora)} corpora",
            expected=f"{LOCO} with two or more --corpus, any other with one",
        )
    all_of_them = together(corpora, " + ".join(corpus.name for corpus in corpora))
    sides = {corpus.name: _speakers(corpus) for corpus in corpora}
    folds = [
        Fold(name, tuple(sorted(set(all_of_them.speakers).difference(own))), own)
        for name, own in sides.items()
    ]
    verify(folds, all_of_them.speakers)
    return all_of_them, folds


def together(corpora: Sequence[Corpus], name: str) -> Corpus:
    """The recordings of all, in their order; raises ProtocolError where two have the same name."""
    names = [corpus.name for corpus in corpora]
    for twice in names:
        if names.count(twice) > 1:
            raise ProtocolError(
                f"corpus '{twice}' is to be trained on and tested", remedy="name each corpus once"
            )
    items = [
        dataclasses.replace(item, speaker=f"{corpus.name}/{item.speaker}")
        for corpus in corpora
        for item in corpus.items
    ]
    return Corpus(name, tuple(items), all(corpus.speakers_published for corpus in corpora))


def _speakers(corpus: Corpus) -> tuple[str, ...]:
    return tuple(f"{corpus.name}/{speaker}" for speaker in corpus.speakers)

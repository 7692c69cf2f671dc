"""Hyper-parameters selected without a look at the test speakers.

For each fold anew: every combination of the values a recipe lists is trained and judged on the fold's
development speakers, or else on inner folds of its training speakers; the best of them, the first of equals,
is trained once more on all speakers that took part in the selection, and tested.
Varma & Simon 2006, "Bias in error estimation when using cross-validation for model selection".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .folds import GROUPS, Fold, read_protocol

# How good options are when trained on the first speakers and judged on the second: more is better.
Judge = Callable[[dict[str, Any], Sequence[str], Sequence[str]], float]


def combinations(choices: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Every choice of one value each, the last option varying fastest."""
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def select(
    choices: dict[str, list[Any]], fold: Fold, inner: int, judge: Judge
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(the options to use, the speakers to train them on) for a fold, by ``inner`` folds if it has no dev."""
    if not choices:
        return {}, fold.train
    splits = _splits(fold, inner)
    scored = [
        (sum(judge(options, train, held_out) for train, held_out in splits), options)
        for options in combinations(choices)
    ]
    best = max(scored, key=lambda entry: entry[0])[1]
    return best, tuple(sorted({*fold.train, *fold.dev}))


def trainings(choices: dict[str, list[Any]], fold: Fold, inner: int) -> int:
    """How often :func:`select` asks the judge."""
    return len(list(combinations(choices))) * len(_splits(fold, inner)) if choices else 0


def _splits(fold: Fold, inner: int) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    if fold.dev:
        return [(fold.train, fold.dev)]
    folds = read_protocol(f"{GROUPS}{min(inner, len(fold.train))}", fold.train)
    return [(part.train, part.test) for part in folds]

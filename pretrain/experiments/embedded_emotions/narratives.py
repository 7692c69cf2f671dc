"""Recordings as narratives: the samples cut from each, and who is trained, selected and tested on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from stimmung.engine.config.schema import PluginTable

from ...corpora.corpus import Corpus
from ...features.extraction import FeatureTable, Progress, compute
from ...recipes.recipe import About, Recipe
from .grid_search import Samples, Split

SHORTEST_S = 0.6  # a row of SampleCNN sees 0.51 s
NOTHING = About(corpus="", citation="", corpus_licence="", licence="", intended_use="", limits="")


def audio_rows(
    corpus: Corpus, extractors: Sequence[PluginTable], window_s: float, progress: Progress
) -> FeatureTable:
    """The features of every recording and of its windows of ``window_s``, cut every half of it."""
    recipe = Recipe(
        name="narratives",
        target="emotion",
        labels=sorted({item.label for item in corpus.items}),
        extractors=list(extractors),
        classifier=PluginTable(plugin="svm", name="svm"),
        about=NOTHING,
        windows_s=[window_s],
        shortest_s=SHORTEST_S,
    )
    return compute(recipe, corpus, progress)


def audio_samples(
    corpus: Corpus, labels: tuple[str, ...], rows: FeatureTable, which: int | None = None
) -> Samples:
    """Windows where a recording has some, the whole of it where not; of one input, or of all side by side."""
    windowed = np.unique(rows.item[~rows.whole])
    chosen = np.flatnonzero(~rows.whole | ~np.isin(rows.item, windowed))
    items = [corpus.items[position] for position in rows.item[chosen]]
    features = np.concatenate(rows.features, axis=1) if which is None else rows.features[which]
    return Samples(
        labels=labels,
        features=features[chosen],
        truth=np.array([labels.index(item.label) for item in items]),
        narratives=np.array([item.speaker if item.text is not None else str(item.file) for item in items]),
        clusters=np.array([item.speaker for item in items]),
    )


def leave_one_out(samples: Samples, dev: int = 2, most: int = 10) -> list[Split]:
    """For each speaker a split that tests them, selects by the ``dev`` next ones and trains on all others.

    More than ``most`` speakers are dealt into as many groups first, and a group stands for a speaker.
    """
    speakers = sorted(set(samples.clusters.tolist()))
    groups = [speakers[at::most] for at in range(min(most, len(speakers)))]
    splits = []
    for at, group in enumerate(groups):
        watching = [who for step in range(1, dev + 1) for who in groups[(at + step) % len(groups)]]
        test, selecting = np.isin(samples.clusters, group), np.isin(samples.clusters, watching)
        splits.append(Split(train=~test & ~selecting, dev=selecting, test=test))
    return splits

"""How much is gained as more of a speaker is heard: figures by the place of a recording in its stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..corpora.corpus import Corpus
from ..features.extraction import FeatureTable
from ..features.stream_normalisation import places
from ..recipes.recipe import Extraction, Recipe
from ..statistics.scored_predictions import ScoredPredictions

# First and last place of each group of recordings.
GROUPS = ((1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, 32), (33, 64))


def stream_figures(
    recipe: Recipe,
    corpus: Corpus,
    rows: FeatureTable,
    judged: ScoredPredictions,
    tested: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """``orders``, and ``by_place``: UAR of the recordings heard first, second … of their speaker."""
    if not recipe.by_stream:
        return {}
    speakers = sorted({corpus.items[position].speaker for position in rows.item[tested]})
    place = places(rows, corpus, speakers, range(judged.orders)).ravel()
    among = np.tile(tested, judged.orders)
    found = {}
    for first, last in GROUPS:
        chosen = among & (place >= first) & (place <= last)
        if chosen.any():
            found[str(first) if first == last else f"{first}–{last}"] = judged.figures(chosen)
    return {"orders": judged.orders, "by_place": found}


def stream_note(recipe: Extraction) -> str:
    """What a reader must know of such figures."""
    what = (
        "Each speaker's offset was inferred" if recipe.normalise == "offset" else "Features were normalised"
    )
    return (
        f"{what} by the stream: each speaker's recordings in {recipe.normalisation.orders} random orders, "
        "averaged; each recording by itself and those before it. Counts of the confusion and the calibration "
        "are those of all orders; predictions.csv holds the first."
    )

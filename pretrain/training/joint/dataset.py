"""What a joint training hears: spectra or samples of whole recordings and of their windows, beside features.

Rows are the same as those of any other recipe, in the same order; the input of the extractor that is to be
trained holds an :class:`Example` for each instead of a vector, and its features exist only once it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from stimmung.engine.audio.segmentation import Segmenter, Whole, Windows
from stimmung.engine.plugin import Input
from stimmung.engine.types import Floats, Span
from stimmung.plugins.extract.crnn.log_mel import HOP, log_mel

from ...corpora.corpus import Corpus
from ...features.audio import item_audio
from ...features.extraction import FeatureTable, Progress, compute, refuse_shared
from ...recipes.joint_recipe import HEARING, JointRecipe
from .sentences import Beside

GRID = {"crnn": 3200, "multi_crnn": HOP, "e2e_cnn_lstm": 3200}  # samples between rows of each, once trained


@dataclass(frozen=True, slots=True)
class Example:
    """What a window or a whole recording gives to hear: (frames, 40) of spectra, or (n,) samples.

    ``recording`` is its place in the corpus; a copy is not the ``whole`` of it.
    """

    recording: int
    whole: bool
    heard: Floats


def joint_rows(
    recipe: JointRecipe, corpus: Corpus, progress: Progress, cache: Path | None = None
) -> FeatureTable:
    """The rows of a joint recipe; raises InputError or ProtocolError as :func:`..features.compute` does."""
    texts = recipe.texts
    sentences = Beside(recipe, corpus) if texts else None
    examples: list[Example] = []
    window_s, item, samples = [], [], 0
    owner: dict[bytes, int] = {}
    for position, entry in enumerate(corpus.items):
        audio = item_audio(entry, recipe.rate)
        digest = hashlib.sha256(audio.tobytes()).digest()
        refuse_shared(corpus, owner.setdefault(digest, position), position)
        samples += len(audio)
        material = audio if recipe.hearing == "e2e_cnn_lstm" else log_mel(audio)
        spans = [*_spans(recipe, len(audio))]
        if sentences is not None:
            sentences.hear(entry, audio, spans)
        for size_s, span in spans:
            examples.append(
                Example(position, size_s == 0 and not entry.copy, _cut(recipe.hearing, material, span))
            )
            window_s.append(size_s)
            item.append(position)
        progress(position + 1, len(corpus.items), "spectra")
    heard = np.empty(len(examples), object)
    heard[:] = examples
    own = Input(recipe.extractors[0].name, HEARING[recipe.hearing])
    hours = samples / recipe.rate / 3600
    rows = FeatureTable((own,), [heard], np.array(item), np.array(window_s), hours)
    given = [table for table in recipe.extractors[1:] if table.name not in texts]
    if given:
        others = compute(msgspec.structs.replace(recipe, extractors=given), corpus, progress, cache)
        rows = replace(others, inputs=(own, *others.inputs), features=[heard, *others.features])
    return rows if sentences is None else sentences.joined(rows)


def _spans(recipe: JointRecipe, samples: int) -> Iterator[tuple[float, Span]]:
    """The whole recording and its windows, cut as the engine cuts them."""
    rate = recipe.rate
    yield from (
        (0.0, span) for span in _cuts(Whole(0, shortest=round(recipe.shortest_s * rate), rate=rate), samples)
    )
    for size_s in recipe.windows_s:
        if samples > size_s * rate:
            window, hop = round(size_s * rate), round(size_s / 2 * rate)
            segmenter = Windows(0, window=window, hop=hop, shortest=window, rate=rate)
            yield from ((size_s, span) for span in _cuts(segmenter, samples))


def _cuts(segmenter: Segmenter, samples: int) -> list[Span]:
    return [*segmenter.advance(samples), *segmenter.finish(samples)]


def _cut(hearing: str, material: Floats, span: Span) -> Floats:
    """What the rows of the trained extractor that lie wholly inside ``span`` will see of it."""
    grid = GRID[hearing]
    start = -(-span.start // grid) * grid
    if material.ndim == 1:
        return material[start : span.stop]
    return material[start // HOP : (span.stop - 400) // HOP + 1]

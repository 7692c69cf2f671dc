"""The sweep of costs for any recipe: figures before and after the vote, and the confusion as a picture."""

from __future__ import annotations

from pathlib import Path

import msgspec
from stimmung.engine.errors import ConfigError

from ...features.extraction import Progress
from ...recipes.loading import read_recipe
from ...training.dataset import corpus_rows, read_items
from .grid_search import sweep
from .narratives import audio_samples, leave_one_out
from .page import picture, record, swept_table
from .study import Result

FIGURES = "sweep.json"
PICTURE = "confusion.png"


def run(recipe: Path, corpus: Path, out: Path, progress: Progress) -> list[str]:
    """Sweeps the linear machine over the recipe's features; the lines of the table of figures.

    Samples are the recipe's windows, or the sentences of documents. Every speaker is tested once; others
    select the cost. Writes ``out/sweep.json`` and ``out/confusion.png``. Raises ConfigError or InputError.
    """
    read = read_recipe(recipe)
    if read.speeds:
        raise ConfigError(
            f"recipe '{read.name}' has speeds", got="a sweep, which trains on what was recorded alone"
        )
    data = read_items(read, corpus, progress)
    rows = corpus_rows(read, data, progress)
    samples = audio_samples(data, tuple(read.labels), rows)
    swept = sweep(samples, leave_one_out(samples), progress=progress)
    result = Result(read.name, data.name, read.target, swept)
    out.mkdir(parents=True, exist_ok=True)
    (out / FIGURES).write_bytes(msgspec.json.format(msgspec.json.encode(record(result))) + b"\n")
    picture(result, out / PICTURE)
    return swept_table(swept)

"""Folds trained and tested one by one, each result kept as soon as it is there: a killed run goes on.

A result is named after its corpus, system, seed and fold, and holds the fingerprint of all that decides it;
one with another fingerprint is computed anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from stimmung.engine.models.cards import content
from stimmung.engine.registry import load
from stimmung.engine.types import Floats

from ...corpora.corpus import Corpus
from ...evaluation.cross_validation import selected
from ...evaluation.folds import Fold
from ...features.extraction import FeatureTable, Progress
from ...features.trimming import trimmed
from ...recipes.recipe import Recipe
from ...training import fitting
from ...training.dataset import copies, corpus_rows
from .systems import Bench, Run

FORMAT = 2
LIBRARIES = ("numpy", "scikit-learn", "torch")


@dataclass(frozen=True, slots=True)
class Options:
    """What the report is made with: ``runs`` is the folder of results, ``cache`` that of features.

    No fold is begun after ``minutes``; the page is then written of what is there.
    """

    corpora: Path
    out: Path
    runs: Path
    cache: Path
    seeds: int = 3
    minutes: float = float("inf")


@dataclass(frozen=True, slots=True)
class Result:
    """What one fold gave for the rows of its test speakers: ``probabilities`` (orders, n, labels)."""

    item: npt.NDArray[np.int64]
    window_s: npt.NDArray[np.float64]
    probabilities: Floats
    chosen: dict[str, Any]
    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class BenchDataset:
    """A corpus as it was read, its folds, and the rows of the input that was asked for last."""

    bench: Bench
    corpus: Corpus
    folds: Sequence[Fold]
    contents: str
    _asked: str = ""
    _rows: list[FeatureTable] = field(default_factory=list)
    _trimmed: dict[str, Corpus] = field(default_factory=dict)

    @classmethod
    def of(cls, bench: Bench, corpora: Path) -> BenchDataset:
        """Reads the corpus; raises InputError."""
        corpus = bench.read(corpora)
        told = [(content(item.file), item.speaker, item.label) for item in corpus.items]
        digest = hashlib.sha256(msgspec.json.encode(told)).hexdigest()
        return cls(bench, corpus, bench.folds(corpus), digest)

    def rows(self, recipe: Recipe, cache: Path, progress: Progress) -> FeatureTable:
        """All rows that are trained on or tested, computed once for recipes with the same extractors."""
        # Speech is counted for every recipe, so that those that need it share features with the others.
        lengths = sorted({*recipe.windows_s, *self.bench.windows_s})
        trained = msgspec.structs.replace(recipe, normalise="stream")
        tested = msgspec.structs.replace(trained, windows_s=lengths, speeds=[])
        windows_s = recipe.speeds and trained.windows_s
        inputs = repr((recipe.extractors, recipe.trim_s, windows_s, recipe.speeds))
        if inputs != self._asked:
            self._rows = []  # before the next are computed: there is no need to hold both
            corpus = self._heard(recipe, progress)
            rows = corpus_rows(tested, corpus, progress, cache)
            self._rows = [replace(rows, copies=copies(trained, corpus, progress, cache))]
            self._asked = inputs
        return self._rows[0]

    def _heard(self, recipe: Recipe, progress: Progress) -> Corpus:
        """The corpus trimmed as the recipe says, once for all recipes that say the same."""
        asked = repr((recipe.trim_s, recipe.shortest_s))
        if asked not in self._trimmed:
            self._trimmed[asked] = trimmed(recipe, self.corpus, progress)
        return self._trimmed[asked]


class Store:
    """Results below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, run: Run, material: BenchDataset, fold: Fold) -> Result | None:
        """A fold's result; None where there is none, or one of something else."""
        path = self._path(run, fold)
        if not path.is_file():
            return None
        with np.load(path) as found:
            told = json.loads(str(found["told"]))
            if told["fingerprint"] != fingerprint(run, material, fold):
                return None
            return Result(
                found["item"],
                found["window_s"],
                found["probabilities"],
                told["chosen"],
                told["wall_s"],
                told["cpu_s"],
            )

    def write(self, run: Run, material: BenchDataset, fold: Fold, result: Result) -> None:
        """Keeps it: wholly or, if interrupted, not at all."""
        path = self._path(run, fold)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        told = {
            "fingerprint": fingerprint(run, material, fold),
            "chosen": result.chosen,
            "wall_s": result.wall_s,
            "cpu_s": result.cpu_s,
        }
        with part.open("wb") as file:
            np.savez_compressed(
                file,
                told=np.array(json.dumps(told)),
                item=result.item,
                window_s=result.window_s,
                probabilities=result.probabilities,
            )
        part.replace(path)

    def results(self, run: Run, material: BenchDataset) -> list[Result] | None:
        """Those of all folds, in their order; None while one is missing."""
        found = [self.read(run, material, fold) for fold in material.folds]
        whole = [result for result in found if result is not None]
        return whole if len(whole) == len(found) else None

    def _path(self, run: Run, fold: Fold) -> Path:
        system = run.system.name.replace(" + ", "_").replace(", ", "_").replace(" ", "_").lower()
        return self._folder / run.bench.folder / system / f"seed_{run.seed}" / f"fold_{fold.name}.npz"


def fingerprint(run: Run, material: BenchDataset, fold: Fold) -> str:
    """Stands for all that decides a result, apart from the project's own code."""
    recipe = run.system.on(run.bench, run.seed)
    # Where a plugin runs decides nothing.
    tables = [(table.name, table.plugin, table.options) for table in (*recipe.extractors, recipe.classifier)]
    decided = {
        "format": FORMAT,
        "recipe": {**msgspec.to_builtins(recipe), "extractors": tables, "classifier": None},
        "windows_s": run.bench.windows_s,
        "corpus": material.contents,
        "fold": [fold.train, fold.dev, fold.test],
        "extractors": {table.name: _version(table.plugin) for table in recipe.extractors},
        "libraries": {name: version(name) for name in LIBRARIES},
    }
    return hashlib.sha256(msgspec.json.encode(decided, order="sorted")).hexdigest()


@cache
def _version(plugin: str) -> str:
    """That of an extractor's class; one that is trained has none before."""
    found = getattr(load("extractor", plugin), "version", "")
    return found if isinstance(found, str) else ""


def compute(
    plan: Sequence[Run],
    materials: dict[str, BenchDataset],
    store: Store,
    options: Options,
    progress: Progress,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Every fold of the plan that is not there yet, until the time is over."""
    end_s = clock() + 60 * options.minutes
    pending = list(_pending(plan, materials, store))
    for done, (run, fold) in enumerate(pending):
        if clock() >= end_s:
            return
        progress(
            done, len(pending), f"{run.system.name}, {run.bench.name}, seed {run.seed}, fold {fold.name}"
        )
        material = materials[run.bench.name]
        recipe = run.system.on(run.bench, run.seed)
        rows = material.rows(recipe, options.cache, progress)
        store.write(run, material, fold, tested(recipe, material.corpus, rows, fold))


def tested(recipe: Recipe, corpus: Corpus, rows: FeatureTable, fold: Fold) -> Result:
    """Trained on the lengths that the recipe trains on, tested on all."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    known = rows.among(np.isin(rows.window_s, [0.0, *recipe.windows_s]))
    chosen, speakers = selected(recipe, corpus, known, fold)
    fitted = fitting.fit(recipe, corpus, known, chosen, speakers)
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    asked, probabilities = fitting.ask(recipe, corpus, rows, fitted, fold.test)
    told = {**chosen, **fitted.trained.chosen}
    return Result(rows.item[asked], rows.window_s[asked], probabilities, told, wall_s, cpu_s)


def _pending(
    plan: Sequence[Run], materials: dict[str, BenchDataset], store: Store
) -> Iterator[tuple[Run, Fold]]:
    for run in plan:
        material = materials[run.bench.name]
        for fold in material.folds:
            if store.read(run, material, fold) is None:
                yield run, fold

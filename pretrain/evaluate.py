"""How well a recipe recognises people it has never heard."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ConfigError
from stimmung.engine.types import Floats

from . import metrics
from .corpora import Corpus, read_corpus
from .features import Progress, Rows, compute, compute_sentences, standardise_by_speaker
from .fit import build_trainer, fit_speakers, of_speakers
from .folds import Fold, read_protocol
from .recipe import Recipe, read_recipe
from .targets import Targets
from .texts import EMOBANK, as_corpus, read_emobank

REPORT = "report.json"
LIBRARIES = ("stimmung", "numpy", "scipy", "scikit-learn", "skops", "soundfile")


def evaluate(
    recipe: Path, corpus: Path, protocol: str, out: Path, progress: Progress | None = None
) -> dict[str, Any]:
    """The report of a recipe on a corpus, also written to ``out/report.json``.

    Every speaker is tested once, by a classifier whose scaling, training, hyper-parameters and
    calibration saw other speakers only. ``uar`` is that of the most probable label over all whole
    recordings. Raises ConfigError, InputError or ProtocolError.
    """
    read = read_recipe(recipe)
    data = read_items(read, corpus)
    folds = read_protocol(protocol, data.speakers)
    rows = corpus_rows(read, data, progress)
    report = run_folds(read, data, rows, folds, protocol, progress)
    out.mkdir(parents=True, exist_ok=True)
    (out / REPORT).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def read_items(recipe: Recipe, path: Path) -> Corpus:
    """The corpus labelled for the recipe's target: by its own column, by configs/targets.toml, or EmoBank."""
    targets = Targets()
    if (path / EMOBANK).is_file():
        corpus = as_corpus(read_emobank(path, recipe.target))
    elif targets.has(path, recipe.target):
        corpus = targets.read(path, recipe.target)[0]
    else:
        return read_corpus(path, recipe.target, recipe.labels)
    unknown = sorted({item.label for item in corpus.items} - set(recipe.labels))
    if unknown:
        raise ConfigError(
            f"recipe '{recipe.name}' lacks labels of its target",
            got=", ".join(recipe.labels),
            expected=f"{', '.join(unknown)} too",
        )
    return corpus


def corpus_rows(recipe: Recipe, corpus: Corpus, progress: Progress | None) -> Rows:
    """The features a recipe asks for."""
    if corpus.items[0].text is not None:
        return compute_sentences(recipe, corpus, progress or _silent)
    rows = compute(recipe, corpus, progress or _silent)
    if recipe.normalise == "speaker":
        return standardise_by_speaker(rows, [item.speaker for item in corpus.items])
    return rows


def run_folds(
    recipe: Recipe,
    corpus: Corpus,
    rows: Rows,
    folds: Sequence[Fold],
    protocol: str,
    progress: Progress | None,
) -> dict[str, Any]:
    """Trains and tests every fold; the report as plain tables."""
    trainer = build_trainer(recipe)
    probabilities = np.zeros((len(rows.item), len(recipe.labels)), np.float32)
    chosen = []
    for done, fold in enumerate(folds, start=1):
        trained = fit_speakers(trainer, rows, corpus, fold.train)
        tested = of_speakers(rows, corpus, fold.test)
        columns = [recipe.labels.index(label) for label in trained.labels]
        probabilities[np.flatnonzero(tested)[:, None], columns] = trained.predict(rows.of(tested))
        chosen.append(trained.chosen)
        (progress or _silent)(done, len(folds), "folds")
    judged = _Judged(recipe, corpus, rows, probabilities)
    return {
        **judged.figures(rows.whole),
        "labels": recipe.labels,
        "confusion": judged.confusion(rows.whole).tolist(),
        "per_fold": [
            {
                "name": fold.name,
                "test_speakers": list(fold.test),
                "chosen": selected,
                **judged.short(rows.whole & of_speakers(rows, corpus, fold.test)),
            }
            for fold, selected in zip(folds, chosen, strict=True)
        ],
        "windows": {f"{length:g} s": judged.figures(rows.window_s == length) for length in recipe.windows_s},
        "corpus": corpus.name,
        "speakers": len(corpus.speakers),
        "hours": round(rows.hours, 4),
        "inputs": [dataclasses.asdict(entry) for entry in rows.inputs],
        "protocol": protocol,
        "notes": _notes(recipe),
        "config": msgspec.to_builtins(recipe),
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """The versions the figures depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


class _Judged:
    """Predictions beside the truth; every figure is over some of the rows."""

    def __init__(self, recipe: Recipe, corpus: Corpus, rows: Rows, probabilities: Floats) -> None:
        items = [corpus.items[position] for position in rows.item]
        self._true = np.array([recipe.labels.index(item.label) for item in items])
        self._speakers = np.array([item.speaker for item in items])
        self._probabilities = probabilities
        self._predicted = probabilities.argmax(axis=1)
        self._labels, self._seed = len(recipe.labels), recipe.seed

    def short(self, chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
        """Number of rows, UAR and WA."""
        true, predicted = self._true[chosen], self._predicted[chosen]
        return {
            "n": len(true),
            "uar": metrics.uar(true, predicted, self._labels),
            "wa": metrics.wa(true, predicted),
        }

    def figures(self, chosen: npt.NDArray[np.bool_]) -> dict[str, Any]:
        """The same with interval and calibration."""
        if not chosen.any():
            return {"n": 0}
        true, predicted = self._true[chosen], self._predicted[chosen]
        interval = metrics.uar_ci95(
            true, predicted, self._labels, list(self._speakers[chosen]), seed=self._seed
        )
        return {
            **self.short(chosen),
            "uar_ci95": list(interval),
            "ece": metrics.ece(true, self._probabilities[chosen]),
        }

    def confusion(self, chosen: npt.NDArray[np.bool_]) -> metrics.Ints:
        """True rows, predicted columns."""
        return metrics.confusion(self._true[chosen], self._predicted[chosen], self._labels)


def _notes(recipe: Recipe) -> list[str]:
    if recipe.normalise == "speaker":
        return [
            "Features were standardised over all recordings of each speaker, the tested ones included "
            "(without their labels): these figures hold where all of a speaker is heard beforehand, not live."
        ]
    return []


def _silent(done: int, total: int, what: str) -> None:
    """No progress is shown."""

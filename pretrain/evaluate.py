"""How well a recipe recognises people it has never heard."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from stimmung.engine.types import Floats

from . import metrics, trial
from .bootstrap import Doubles
from .continuous import Regressor
from .corpora import Corpus
from .features import Progress, Rows
from .fit import of_speakers
from .folds import LOCO, Fold, corpus_folds
from .joined_corpora import across, left_out_in_turn
from .judged import Chosen, Judged, JudgedNumbers
from .nested import select, trainings
from .parallel import Tick, each
from .recipe import ContinuousRecipe, Extraction, Recipe, read_any
from .rows import corpus_rows, read_items, silent
from .stream_report import stream_figures, stream_note
from .trial import orders_of
from .versions import versions

REPORT = "report.json"
PREDICTIONS = "predictions.csv"
CROSS = "cross-corpus"


def evaluate(
    recipe: Path,
    corpus: Path | Sequence[Path],
    protocol: str,
    out: Path,
    progress: Progress | None = None,
    *,
    test_corpus: Path | None = None,
    cache: Path | None = None,
    jobs: int = 1,
) -> dict[str, Any]:
    """The report of a recipe on a corpus, also written to ``out/report.json``, with its pages.

    Every speaker is tested once, by a classifier whose scaling, training, hyper-parameters and
    calibration saw other speakers only. ``uar`` is that of the most probable label over all whole
    recordings. With a ``test_corpus`` all of ``corpus`` is trained on and all of that is tested, and
    ``protocol`` is not used. Of several corpora each is left out in turn, by the protocol ``loco``, and the
    report gains ``per_corpus``. ``out/predictions.csv`` holds what was predicted for each whole recording.
    Features are kept in the folder ``cache``, if there is one. Folds are trained by ``jobs`` processes; the
    report is the same whatever their number.
    Raises ConfigError, InputError or ProtocolError.
    """
    from .pages import write_pages

    read = read_any(recipe)
    data, *others = [
        read_items(read, path, progress) for path in ([corpus] if isinstance(corpus, Path) else corpus)
    ]
    if test_corpus is not None:
        protocol = CROSS
        data, folds = across(data, read_items(read, test_corpus, progress))
    elif others or protocol == LOCO:
        data, folds = left_out_in_turn(protocol, [data, *others])
    else:
        folds = corpus_folds(protocol, data)
    rows = corpus_rows(read, data, progress, cache)
    if isinstance(read, ContinuousRecipe):
        report, predictions = run_continuous(read, data, rows, folds, protocol, progress, jobs)
    else:
        report, predictions = run_folds(read, data, rows, folds, protocol, progress, jobs)
    out.mkdir(parents=True, exist_ok=True)
    (out / REPORT).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with (out / PREDICTIONS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(predictions[0]))
        writer.writeheader()
        writer.writerows(predictions)
    write_pages(report, out)
    return report


def run_folds(
    recipe: Recipe,
    corpus: Corpus,
    rows: Rows,
    folds: Sequence[Fold],
    protocol: str,
    progress: Progress | None,
    jobs: int = 1,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Trains and tests every fold; the report and the predictions as plain tables."""
    probabilities = np.zeros((orders_of(recipe), len(rows.item), len(recipe.labels)), np.float32)
    true = _true(recipe, corpus, rows)
    chosen = []
    for tested, found, own in each(Testing(recipe, corpus, rows), folds, jobs, progress or silent):
        probabilities[:, tested] = found
        chosen.append(own)
    judged = Judged(recipe.labels, true, probabilities, _speakers_of(rows, corpus), recipe.seed)
    tested = rows.whole & of_speakers(rows, corpus, [s for fold in folds for s in fold.test])
    report = {
        **judged.figures(tested),
        "labels": recipe.labels,
        "recalls": judged.recalls(tested),
        "confusion": judged.confusion(tested).tolist(),
        "calibration": judged.calibration(tested),
        **_parts(judged, recipe, corpus, rows, folds, chosen),
        **(_per_corpus(judged, corpus, rows, folds) if protocol == LOCO else {}),
        **stream_figures(recipe, corpus, rows, judged, tested),
        **_circumstances(recipe, corpus, rows, protocol, folds),
    }
    spread = [
        {f"p_{label}": round(float(p), 6) for label, p in zip(recipe.labels, row, strict=True)}
        for row in probabilities[0]
    ]
    predicted = [recipe.labels[k] for k in judged.predicted[: len(true)]]
    return report, _listed(corpus, rows, folds, predicted, spread)


@dataclass(frozen=True, slots=True)
class Testing:
    """The trainings of one fold, and what the last of them makes of the tested speakers."""

    recipe: Recipe
    corpus: Corpus
    rows: Rows

    def trainings(self, fold: Fold) -> int:
        """Those to select by, and the last."""
        return trainings(self.recipe.select, fold, self.recipe.inner) + 1

    def __call__(self, fold: Fold, tick: Tick) -> tuple[Chosen, Floats, dict[str, Any]]:
        """(the rows tested, their (orders, n, labels) probabilities, the options chosen)."""
        options, speakers = selected(self.recipe, self.corpus, self.rows, fold, tick)
        tested, found, own = trial.probabilities(
            self.recipe, self.corpus, self.rows, options, speakers, fold.test
        )
        tick()
        return tested, found, {**options, **own}


def selected(
    recipe: Recipe, corpus: Corpus, rows: Rows, fold: Fold, tick: Tick = lambda: None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(the options of the classifier, the speakers to train it on) for one fold; see :mod:`.nested`."""
    true = _true(recipe, corpus, rows)

    def judge(options: dict[str, Any], train: Sequence[str], held_out: Sequence[str]) -> float:
        asked, found, _ = trial.probabilities(recipe, corpus, rows, options, train, held_out)
        tick()
        whole = rows.whole[asked]
        truth, predicted = true[asked][whole], found[:, whole].argmax(axis=2)
        return metrics.uar(np.tile(truth, len(found)), predicted.ravel(), len(recipe.labels))

    return select(recipe.select, fold, recipe.inner, judge)


@dataclass(frozen=True, slots=True)
class TestingNumbers:
    """The same for a target that is a number."""

    recipe: ContinuousRecipe
    corpus: Corpus
    rows: Rows
    true: Doubles

    def trainings(self, fold: Fold) -> int:
        """Those to select by, and the last."""
        return trainings(self.recipe.select, fold, self.recipe.inner) + 1

    def __call__(self, fold: Fold, tick: Tick) -> tuple[Chosen, Doubles, dict[str, Any]]:
        """(the rows tested, what is predicted for them, the options chosen)."""

        def judge(options: dict[str, Any], train: Sequence[str], held_out: Sequence[str]) -> float:
            asked = of_speakers(self.rows, self.corpus, held_out) & self.rows.whole
            sums = metrics.moments(self.true[asked], self._ask(options, train, asked)).sum(axis=0)
            tick()
            return float(metrics.ccc_of(sums))

        options, speakers = select(self.recipe.select, fold, self.recipe.inner, judge)
        tested = of_speakers(self.rows, self.corpus, fold.test)
        found = self._ask(options, speakers, tested)
        tick()
        return tested, found, options

    def _ask(self, options: dict[str, Any], train: Sequence[str], asked: Chosen) -> Doubles:
        settings = {"alpha": self.recipe.alpha, "clip_sd": self.recipe.clip_sd, **options}
        known = of_speakers(self.rows, self.corpus, train)
        trained = Regressor(**settings, range=self.recipe.range).fit(self.rows.of(known), self.true[known])
        return trained.predict(self.rows.of(asked))


def run_continuous(
    recipe: ContinuousRecipe,
    corpus: Corpus,
    rows: Rows,
    folds: Sequence[Fold],
    protocol: str,
    progress: Progress | None,
    jobs: int = 1,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same for a target that is a number."""
    true = np.array([float(corpus.items[position].label) for position in rows.item])
    predicted = np.zeros(len(true))

    chosen = []
    testing = TestingNumbers(recipe, corpus, rows, true)
    for tested, found, options in each(testing, folds, jobs, progress or silent):
        predicted[tested] = found
        chosen.append(options)
    judged = JudgedNumbers(true, predicted, _speakers_of(rows, corpus), recipe.seed)
    tested = rows.whole & of_speakers(rows, corpus, [s for fold in folds for s in fold.test])
    report = {
        **judged.figures(tested),
        **_parts(judged, recipe, corpus, rows, folds, chosen),
        **_circumstances(recipe, corpus, rows, protocol, folds),
    }
    return report, _listed(corpus, rows, folds, [f"{value:.6g}" for value in predicted], [{}] * len(true))


def _parts(
    judged: Judged | JudgedNumbers,
    recipe: Extraction,
    corpus: Corpus,
    rows: Rows,
    folds: Sequence[Fold],
    chosen: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """The figures of each fold, speaker and length of window."""
    everybody = of_speakers(rows, corpus, [s for fold in folds for s in fold.test])
    return {
        "per_fold": [
            {
                "name": fold.name,
                "test_speakers": list(fold.test),
                "chosen": selected,
                **judged.figures(rows.whole & of_speakers(rows, corpus, fold.test)),
            }
            for fold, selected in zip(folds, chosen, strict=True)
        ],
        "per_speaker": judged.by_speaker(rows.whole & everybody),
        "windows": {
            f"{length:g} s": judged.figures(np.equal(rows.window_s, length) & everybody)
            for length in recipe.windows_s
        },
    }


def _per_corpus(judged: Judged, corpus: Corpus, rows: Rows, folds: Sequence[Fold]) -> dict[str, Any]:
    """The figures of each corpus by the models that never heard it, and their mean: each counts the same."""
    tested = {fold.name: rows.whole & of_speakers(rows, corpus, fold.test) for fold in folds}
    figures = {
        name: {**judged.figures(chosen), "recalls": judged.recalls(chosen)} for name, chosen in tested.items()
    }
    return {
        "uar_mean_of_corpora": float(np.mean([found["uar"] for found in figures.values()])),
        "per_corpus": figures,
    }


def _circumstances(
    recipe: Extraction, corpus: Corpus, rows: Rows, protocol: str, folds: Sequence[Fold]
) -> dict[str, Any]:
    """What the figures are of, and what made them."""
    return {
        "target": recipe.target,
        "corpus": corpus.name,
        "speakers": len(corpus.speakers),
        "tested_speakers": len({speaker for fold in folds for speaker in fold.test}),
        "hours": round(rows.hours, 4),
        "inputs": [dataclasses.asdict(entry) for entry in rows.inputs],
        "protocol": protocol,
        "notes": _notes(recipe, corpus),
        "config": msgspec.to_builtins(recipe),
        "versions": versions(),
    }


def _listed(
    corpus: Corpus,
    rows: Rows,
    folds: Sequence[Fold],
    predicted: Sequence[str],
    spread: Sequence[dict[str, float]],
) -> list[dict[str, Any]]:
    """One row for each whole recording that was tested."""
    fold_of = {speaker: fold.name for fold in folds for speaker in fold.test}
    table = []
    for row in np.flatnonzero(rows.whole).tolist():
        item = corpus.items[rows.item[row]]
        if item.speaker in fold_of:
            place = f"{item.file.name}" + (f"@{item.start_s:g}" if item.start_s or item.stop_s else "")
            fold = fold_of[item.speaker]
            own = {"file": place, "speaker": item.speaker, "fold": fold, "true": item.label}
            table.append({**own, "predicted": predicted[row], **spread[row]})
    return table


def _true(recipe: Recipe, corpus: Corpus, rows: Rows) -> metrics.Ints:
    return np.array([recipe.labels.index(corpus.items[position].label) for position in rows.item])


def _speakers_of(rows: Rows, corpus: Corpus) -> list[str]:
    return [corpus.items[position].speaker for position in rows.item]


def _notes(recipe: Extraction, corpus: Corpus) -> list[str]:
    notes = []
    if recipe.normalise == "speaker":
        notes.append(
            "Features were standardised over all recordings of each speaker, the tested ones included "
            "(without their labels): these figures hold where all of a speaker is heard beforehand, not live."
        )
    if recipe.normalise == "stream":
        notes.append(stream_note(recipe.normalisation.orders))
    if not corpus.speakers_published:
        notes.append(
            "The speakers are not published, only partitions that share none: intervals resample recordings "
            "and are too narrow."
        )
    return notes

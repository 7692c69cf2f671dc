"""How well a recipe recognises people it has never heard."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from stimmung.engine.errors import ConfigError, ProtocolError
from stimmung.engine.types import Floats

from ..corpora.corpus import Corpus
from ..corpora.joining import join, refuse_shared
from ..features.conditions import CONDITIONS
from ..features.extraction import FeatureTable, Progress
from ..recipes.loading import read_any
from ..recipes.recipe import ContinuousRecipe, Extraction, Recipe
from ..statistics import metrics
from ..statistics.bootstrap import Doubles
from ..statistics.scored_predictions import Chosen, ScoredNumbers, ScoredPredictions
from ..training import fitting
from ..training.dataset import condition_rows, corpus_rows, read_items, read_test_items, silent
from ..training.fitting import orders_of
from ..training.regressor import Regressor
from ..training.trainers import of_speakers
from ..versions import versions
from .folds import LOCO, Fold, corpus_folds, verify
from .live_answers import Answers
from .live_folds import LiveFolds, LiveOptions
from .model_selection import select, trainings
from .parallel import Tick, each
from .pooling import pooled
from .stream_report import stream_figures, stream_note

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
    condition: str = "",
    live: LiveOptions | None = None,
    jobs: int = 1,
) -> dict[str, Any]:
    """The report of a recipe on a corpus or several joined, also written to ``out/report.json``.

    Every speaker is tested once, by a classifier whose scaling, training, hyper-parameters and
    calibration saw other speakers only. ``uar`` is that of the most probable label over all whole
    recordings. With a ``test_corpus`` all of ``corpus`` is trained on and all of that is tested, and
    ``protocol`` is not used. By the protocol ``loco`` each of several corpora is left out in turn, and the
    report gains ``per_corpus``. ``out/predictions.csv`` holds what was predicted for each whole recording.
    What is tested is heard under a ``condition``, one of :data:`..features.conditions.CONDITIONS`, if one is
    named; what is trained on is not. Features are kept in the folder ``cache``, if there is one. With
    ``live`` the models of all folds answer streams of their speakers' recordings too, as a pipeline would:
    ``plain`` and ``live`` in the report. Folds are trained by ``jobs`` processes; the report is the same
    whatever their number.
    Raises ConfigError, InputError or ProtocolError.
    """
    from ..reports.html import write_pages

    read = read_any(recipe)
    data = read_items(read, corpus, progress)
    if test_corpus is None:
        never = [table.name for table in read.corpora if not table.tested]
        folds = corpus_folds(protocol, data, never)
    else:
        protocol = CROSS
        people = {table.name: table.people for table in read.corpora if table.people}
        data, folds = _across(data, read_test_items(read, test_corpus, progress), people)
    heard = None
    if condition:
        tested = {speaker for fold in folds for speaker in fold.test}
        heard = condition_rows(read, data, condition, tested, progress, cache)
    rows = corpus_rows(read, data, progress, cache)
    if live is not None and (test_corpus is not None or not isinstance(read, Recipe)):
        raise ConfigError(
            f"recipe '{read.name}' cannot be evaluated live so",
            expected="a recipe with labels, and a protocol over one corpus",
        )
    if isinstance(read, ContinuousRecipe):
        report, predictions = run_continuous(read, data, rows, folds, protocol, progress, heard, jobs)
    else:
        streams = None if live is None else LiveFolds.of(read, corpus, folds, live, progress or silent)
        report, predictions = run_folds(read, data, rows, folds, protocol, progress, heard, streams, jobs)
    if condition:
        report["condition"] = {condition: CONDITIONS[condition]}
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
    rows: FeatureTable,
    folds: Sequence[Fold],
    protocol: str,
    progress: Progress | None,
    heard: FeatureTable | None = None,
    live: LiveFolds | None = None,
    jobs: int = 1,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Trains and tests every fold; the report and the predictions as plain tables.

    Tested are the rows of ``heard``, those trained on unless given. What is trained answers the streams of
    ``live`` too, if there are any.
    """
    heard = heard or rows
    probabilities = np.zeros((orders_of(recipe), len(heard.item), len(recipe.labels)), np.float32)
    chosen = []
    testing = Testing(recipe, corpus, rows, heard, live)
    for tested, found, own, answers in each(testing, folds, jobs, progress or silent):
        probabilities[:, tested] = found
        chosen.append(own)
        if live is not None:
            live.answers.update(answers)
    units, probabilities = pooled(heard, probabilities)
    true = _true(recipe, corpus, units)
    judged = ScoredPredictions(recipe.labels, true, probabilities, _speakers_of(units, corpus), recipe.seed)
    tested = units.whole & of_speakers(units, corpus, [s for fold in folds for s in fold.test])
    report = {
        **judged.figures(tested),
        "labels": recipe.labels,
        "recalls": judged.recalls(tested),
        "confusion": judged.confusion(tested).tolist(),
        "calibration": judged.calibration(tested),
        **_parts(judged, recipe, corpus, units, folds, chosen),
        **stream_figures(recipe, corpus, units, judged, tested),
        **(_per_corpus(judged, corpus, units, tested) if protocol == LOCO else {}),
        **({} if live is None else live.report(corpus, units, probabilities, tested)),
        **_circumstances(recipe, corpus, rows, protocol, folds),
    }
    spread = [
        {f"p_{label}": round(float(p), 6) for label, p in zip(recipe.labels, row, strict=True)}
        for row in probabilities[0]
    ]
    predicted = [recipe.labels[k] for k in judged.predicted[: len(true)]]
    return report, _listed(corpus, units, folds, predicted, spread)


@dataclass(frozen=True, slots=True)
class Testing:
    """The trainings of one fold on ``rows``, and what the last of them makes of the tested in ``heard``."""

    recipe: Recipe
    corpus: Corpus
    rows: FeatureTable
    heard: FeatureTable
    live: LiveFolds | None = None

    def trainings(self, fold: Fold) -> int:
        """Those to select by, and the last."""
        return trainings(self.recipe.select, fold, self.recipe.inner) + 1

    def __call__(
        self, fold: Fold, tick: Tick
    ) -> tuple[Chosen, Floats, dict[str, Any], dict[tuple[str, str], Answers]]:
        """(the rows tested, their (orders, n, labels) probabilities, the options chosen, answers live)."""
        options, speakers = selected(self.recipe, self.corpus, self.rows, fold, tick)
        fitted = fitting.fit(self.recipe, self.corpus, self.rows, options, speakers)
        tested, found = fitting.ask(self.recipe, self.corpus, self.heard, fitted, fold.test)
        answers = {} if self.live is None else self.live.answered(fitted, fold.test)
        tick()
        return tested, found, {**options, **fitted.trained.chosen}, answers


def selected(
    recipe: Recipe, corpus: Corpus, rows: FeatureTable, fold: Fold, tick: Tick = lambda: None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(the classifier's options, the speakers to train it on) for one fold; see :mod:`.model_selection`."""

    def judge(options: dict[str, Any], train: Sequence[str], held_out: Sequence[str]) -> float:
        asked, found, _ = fitting.probabilities(recipe, corpus, rows, options, train, held_out)
        tick()
        units, found = pooled(rows.among(asked), found)
        truth, predicted = _true(recipe, corpus, units)[units.whole], found[:, units.whole].argmax(axis=2)
        return metrics.uar(np.tile(truth, len(found)), predicted.ravel(), len(recipe.labels))

    return select(recipe.select, fold, recipe.inner, judge)


@dataclass(frozen=True, slots=True)
class TestingNumbers:
    """The same for a target that is a number."""

    recipe: ContinuousRecipe
    corpus: Corpus
    rows: FeatureTable
    true: Doubles
    heard: FeatureTable

    def trainings(self, fold: Fold) -> int:
        """Those to select by, and the last."""
        return trainings(self.recipe.select, fold, self.recipe.inner) + 1

    def __call__(self, fold: Fold, tick: Tick) -> tuple[Chosen, Doubles, dict[str, Any]]:
        """(the rows tested, what is predicted for them, the options chosen)."""

        def judge(options: dict[str, Any], train: Sequence[str], held_out: Sequence[str]) -> float:
            asked = of_speakers(self.rows, self.corpus, held_out) & self.rows.whole
            sums = metrics.moments(self.true[asked], self._ask(options, train, self.rows, asked)).sum(axis=0)
            tick()
            return float(metrics.ccc_of(sums))

        options, speakers = select(self.recipe.select, fold, self.recipe.inner, judge)
        tested = of_speakers(self.heard, self.corpus, fold.test)
        found = self._ask(options, speakers, self.heard, tested)
        tick()
        return tested, found, options

    def _ask(
        self, options: dict[str, Any], train: Sequence[str], tested: FeatureTable, asked: Chosen
    ) -> Doubles:
        settings = {"alpha": self.recipe.alpha, "clip_sd": self.recipe.clip_sd, **options}
        known = of_speakers(self.rows, self.corpus, train)
        trained = Regressor(**settings, range=self.recipe.range).fit(self.rows.of(known), self.true[known])
        return trained.predict(tested.of(asked))


def run_continuous(
    recipe: ContinuousRecipe,
    corpus: Corpus,
    rows: FeatureTable,
    folds: Sequence[Fold],
    protocol: str,
    progress: Progress | None,
    heard: FeatureTable | None = None,
    jobs: int = 1,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The same for a target that is a number."""
    heard = heard or rows
    true = np.array([float(corpus.items[position].label) for position in rows.item])
    predicted = np.zeros(len(heard.item))

    chosen = []
    testing = TestingNumbers(recipe, corpus, rows, true, heard)
    for tested, found, options in each(testing, folds, jobs, progress or silent):
        predicted[tested] = found
        chosen.append(options)
    units, values = pooled(heard, predicted[:, np.newaxis])
    predicted, true = values[:, 0], np.array([float(corpus.items[at].label) for at in units.item])
    judged = ScoredNumbers(true, predicted, _speakers_of(units, corpus), recipe.seed)
    tested = units.whole & of_speakers(units, corpus, [s for fold in folds for s in fold.test])
    report = {
        **judged.figures(tested),
        **_parts(judged, recipe, corpus, units, folds, chosen),
        **_circumstances(recipe, corpus, rows, protocol, folds),
    }
    return report, _listed(corpus, units, folds, [f"{value:.6g}" for value in predicted], [{}] * len(true))


def _across(train: Corpus, test: Corpus, people: Mapping[str, str]) -> tuple[Corpus, list[Fold]]:
    """Both as one corpus, their speakers told apart by its name, and the one fold between them."""
    if test.name in {item.corpus or train.name for item in train.items}:
        raise ProtocolError(
            f"corpus '{test.name}' is to be trained on and tested", remedy="give two corpora, or a protocol"
        )
    one = train if train.items[0].corpus else join([train], people)
    other = join([test], people)
    refuse_shared([*one.items, *other.items], people)
    fold = Fold(f"{train.name} → {test.name}", tuple(one.speakers), tuple(other.speakers))
    published = train.speakers_published and test.speakers_published
    both = Corpus(fold.name, (*one.items, *other.items), published)
    verify([fold], both.speakers, everybody=False)
    return both, [fold]


def _parts(
    judged: ScoredPredictions | ScoredNumbers,
    recipe: Extraction,
    corpus: Corpus,
    rows: FeatureTable,
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


def _per_corpus(
    judged: ScoredPredictions, corpus: Corpus, rows: FeatureTable, tested: Chosen
) -> dict[str, Any]:
    """The figures of each corpus that was left out, and the mean of their UAR."""
    of = np.array([corpus.items[position].corpus for position in rows.item])
    found = {
        str(name): {**judged.figures(tested & (of == name)), "recalls": judged.recalls(tested & (of == name))}
        for name in dict.fromkeys(of[tested])
    }
    mean = float(np.mean([figures["uar"] for figures in found.values()]))
    return {"per_corpus": found, "uar_mean_of_corpora": mean}


def _circumstances(
    recipe: Extraction, corpus: Corpus, rows: FeatureTable, protocol: str, folds: Sequence[Fold]
) -> dict[str, Any]:
    """What the figures are of, and what made them."""
    return {
        "target": recipe.target,
        "corpus": corpus.name,
        "corpora": dict(Counter(item.corpus or corpus.name for item in corpus.items)),
        "left_out": len(corpus.items) - len(np.unique(rows.item)),
        "speakers": len(corpus.speakers),
        "tested_speakers": len({speaker for fold in folds for speaker in fold.test}),
        "hours": round(rows.hours, 4),
        "inputs": [dataclasses.asdict(entry) for entry in rows.inputs],
        "protocol": protocol,
        "notes": _notes(recipe, corpus, rows),
        "config": msgspec.to_builtins(recipe),
        "versions": versions(),
    }


def _listed(
    corpus: Corpus,
    rows: FeatureTable,
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
            place = f"{item.file.name}{item.part}"
            fold = fold_of[item.speaker]
            own = {"file": place, "speaker": item.speaker, "fold": fold, "true": item.label}
            table.append({**own, "predicted": predicted[row], **spread[row]})
    return table


def _true(recipe: Recipe, corpus: Corpus, rows: FeatureTable) -> metrics.Ints:
    return np.array([recipe.labels.index(corpus.items[position].label) for position in rows.item])


def _speakers_of(rows: FeatureTable, corpus: Corpus) -> list[str]:
    return [corpus.items[position].speaker for position in rows.item]


def _notes(recipe: Extraction, corpus: Corpus, rows: FeatureTable) -> list[str]:
    notes = []
    left_out = len(corpus.items) - len(np.unique(rows.item))
    if left_out:
        notes.append(
            f"No speech was heard in {left_out} of {len(corpus.items)} recordings: they were neither "
            "trained on nor tested."
        )
    if recipe.normalise == "speaker":
        notes.append(
            "Features were standardised over all recordings of each speaker, the tested ones included "
            "(without their labels): these figures hold where all of a speaker is heard beforehand, not live."
        )
    if recipe.by_stream:
        notes.append(stream_note(recipe))
    if not corpus.speakers_published:
        notes.append(
            "The speakers are not published, only partitions that share none: intervals resample recordings "
            "and are too narrow."
        )
    return notes

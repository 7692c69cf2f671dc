"""From a recipe and a corpus to a model folder with its card."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from stimmung.engine.errors import ConfigError
from stimmung.engine.models.cards import CARD, Card, CardInput, TrainedOn, write_card
from stimmung.engine.models.statistics import FILE, OFFSET_FILE, write_populations

from .corpora.corpus import Corpus
from .evaluation.cross_validation import run_folds, selected
from .evaluation.folds import Fold, corpus_folds
from .features.extraction import FeatureTable, Progress
from .recipes.joint_recipe import JointRecipe
from .recipes.loading import read_recipe
from .recipes.recipe import Recipe
from .training.contract import Trained
from .training.dataset import corpus_rows, read_items
from .training.fitting import fit


def train(
    recipe: Path,
    corpus: Path | Sequence[Path],
    out: Path,
    progress: Progress | None = None,
    *,
    cache: Path | None = None,
) -> Path:
    """The model folder ``out``: trained on the whole corpus, its card with the figures of the protocol.

    Every corpus that the recipe lists must be given. Features are kept in the folder ``cache``, if there is
    one.

    The figures come from the procedure of :func:`~stimmung.pretrain.evaluation.cross_validation.evaluate`, on
    models that each left some speakers out. Raises ConfigError, InputError or ProtocolError.
    """
    read = read_recipe(recipe)
    if read.normalise == "speaker":
        raise ConfigError(
            f"recipe '{read.name}' cannot become a model",
            got='normalise = "speaker", which needs all recordings of a speaker at once',
            expected='normalise = "none"',
            remedy="evaluate it instead: stimmung evaluate",
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not (out / CARD).is_file():
        raise ConfigError(f"'{out}' is no model folder and not empty", remedy="choose another --out")
    data = read_items(read, corpus, progress, complete=True)
    folds = corpus_folds(read.protocol, data)
    rows = corpus_rows(read, data, progress, cache)
    report, _ = run_folds(read, data, rows, folds, read.protocol, progress)
    options, _ = selected(read, data, rows, Fold("all", tuple(data.speakers), ()))
    fitted = fit(read, data, rows, options, data.speakers)
    trained = fitted.trained
    out.mkdir(parents=True, exist_ok=True)
    for name in (FILE, OFFSET_FILE):
        (out / name).unlink(missing_ok=True)
    trained.save(out)
    if fitted.settings is not None and fitted.populations:
        names = [entry.name for entry in rows.inputs]
        known = {name: one for name, one in zip(names, fitted.populations, strict=True) if one is not None}
        write_populations(out, known, fitted.settings.prior_s)
    card = _card(read, data, rows, trained, report)
    if isinstance(read, JointRecipe):
        from .training.joint.export import JointTraining  # torch takes seconds to import

        assert isinstance(trained, JointTraining)
        heard = trained.save_extractor(out, card)
        card = msgspec.structs.replace(card, inputs=[heard, *card.inputs[1:]])
    write_card(out, card)
    return out


def _card(
    recipe: Recipe, corpus: Corpus, rows: FeatureTable, trained: Trained, report: dict[str, Any]
) -> Card:
    figures = {key: _rounded(report[key]) for key in ("uar", "uar_ci95", "wa", "ece")}
    for window, windowed in report["windows"].items():
        if windowed["n"]:
            figures[f"uar of windows of {window}"] = _rounded(windowed["uar"])
    return Card(
        name=recipe.name,
        plugin=recipe.classifier.plugin,
        target=recipe.target,
        labels=list(trained.labels),
        rate=recipe.rate,
        inputs=[
            CardInput(entry.name, entry.dim, entry.version, table.options)
            for entry, table in zip(rows.inputs, recipe.extractors, strict=True)
        ],
        trained_on=TrainedOn(
            corpus=recipe.about.corpus,
            citation=recipe.about.citation,
            licence=recipe.about.corpus_licence,
            clips=len(corpus.items) - report["left_out"],
            speakers=len(corpus.speakers),
            hours=report["hours"],
        ),
        protocol=(
            f"{recipe.protocol}: every speaker tested once, by a model trained, scaled and calibrated "
            "without them; the interval resamples speakers"
        ),
        figures=figures,
        licence=recipe.about.licence,
        intended_use=recipe.about.intended_use,
        limits=recipe.about.limits,
        created=datetime.datetime.now(datetime.UTC).date().isoformat(),
        versions=report["versions"],
        recipe={key: value for key, value in report["config"].items() if key != "about"},
    )


def _rounded(figure: float | list[float]) -> float | list[float]:
    return [round(bound, 4) for bound in figure] if isinstance(figure, list) else round(figure, 4)

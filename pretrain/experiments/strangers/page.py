"""Reports of evaluations → what of them is published: a slim file of figures, and the tables of the pages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
from stimmung.engine.config.schema import load_description
from stimmung.engine.errors import InputError
from stimmung.engine.models.cards import load_card, write_card

from ...reports.live_tables import CONDITIONS, NAMES
from ...reports.markdown import table
from ...statistics.live_figures import FIGURES
from .systems import SYSTEMS, System

FOLDER = "cross_corpus"
FIGURES_FILE = "strangers.json"
REPORT = "report.json"
STRANGERS = "corpora never heard"  # how their figures begin on a card
CARD_FIGURES = (
    ("plain", "uar"),
    ("live", "uar"),
    *((name, figure) for name in ("live", "everyday_80", "everyday_95") for figure in FIGURES[1:3]),
)
MARK = "strangers"  # tables stand between <!-- strangers --> and <!-- /strangers -->
Figures = dict[str, Any]


def gather(runs: Path, systems: tuple[System, ...] = SYSTEMS) -> dict[str, Figures]:
    """The figures of every system, by its name; InputError names the command of a report that is missing."""
    found = {}
    for system in systems:
        path = runs / system.name / REPORT
        try:
            report = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InputError(f"there is no report '{path}'", remedy=f"make it: {system.command()}") from None
        found[system.name] = slim(system, report)
    return found


def slim(system: System, report: Mapping[str, Any]) -> Figures:
    """The figures of a report that are published: by condition, the mean over corpora and each of them."""
    found: Figures = {"command": system.command()}
    for condition in (name for name in CONDITIONS if name in report):
        each = _each(report, condition)
        if not each:  # read speech is one corpus, and has neutral speech alone
            found[condition] = _values(report[condition])
            continue
        each = {name: each[name] for name in system.corpora}
        mean = report[condition].get("mean_of_corpora", report[condition])
        found[condition] = {
            "mean": _values(mean) if len(each) == mean["corpora"] else _mean(each),
            **each,
        }
    return found


def _each(report: Mapping[str, Any], condition: str) -> dict[str, Figures]:
    """By corpus; a recipe's report holds them within the condition, a pipeline's beside all conditions."""
    within = report[condition].get("per_corpus")
    if within is None:
        within = {
            name: own[condition] for name, own in report.get("per_corpus", {}).items() if condition in own
        }
    return {name: _values(own) for name, own in within.items()}


def _values(own: Mapping[str, Any]) -> Figures:
    named = [*FIGURES, *(f"{name}_ci95" for name in FIGURES)]
    return {name: _rounded(own[name]) for name in named if own.get(name) is not None}


def _rounded(value: float | list[float]) -> float | list[float]:
    return round(value, 4) if isinstance(value, float) else [round(one, 4) for one in value]


def _mean(each: Mapping[str, Figures]) -> Figures:
    values = {name: [own[name] for own in each.values() if name in own] for name in FIGURES}
    return {name: round(fmean(own), 4) for name, own in values.items() if own}


def summary(found: Mapping[str, Figures]) -> Iterator[str]:
    """The table of both pages: what each system gets, plain, live and everyday."""
    header = ["", "UAR, each recording by itself", "UAR, live"]
    header += [f"false alarms, emotions right: {name}" for name in ("live", "80 % neutral", "95 % neutral")]
    header += ["false alarms, read speech"]
    rows = []
    for system in SYSTEMS:
        own = found[system.name]
        cells = [_cell(own["plain"]["mean"], "uar"), _cell(own["live"]["mean"], "uar")]
        for condition in ("live", "everyday_80", "everyday_95"):
            mean = own[condition]["mean"]
            cells.append(f"{_cell(mean, 'false_alarms')}, {_cell(mean, 'emotions_right')}")
        cells.append(_cell(own["read"], "false_alarms") if "read" in own else "–")
        rows.append([system.title, *cells])
    yield from table(header, rows)


def by_corpus(found: Mapping[str, Figures], condition: str, figure: str) -> Iterator[str]:
    """One figure of one condition: systems down, corpora across."""
    names = SYSTEMS[0].corpora
    rows = []
    for system in SYSTEMS:
        own = found[system.name][condition]
        rows.append([system.title, *(_cell(own[name], figure) if name in own else "–" for name in names)])
    yield from table(["", *names], rows)


def details(found: Mapping[str, Figures]) -> Iterator[str]:
    """What only the page of cross-corpus figures tells."""
    yield "Unweighted average recall by corpus, live:"
    yield ""
    yield from by_corpus(found, "live", "uar")
    yield "False alarms by corpus where 80 % of speech is neutral:"
    yield ""
    yield from by_corpus(found, "everyday_80", "false_alarms")
    yield "Emotions right by corpus, the same:"
    yield ""
    yield from by_corpus(found, "everyday_80", "emotions_right")
    yield "Share of what is not unsure / of right answers in it / calibration error of all answers:"
    yield ""
    shown = ("plain", "live", "everyday_80", "everyday_95")
    rows = []
    for system in SYSTEMS:
        means = [found[system.name][name].get("mean", {}) for name in shown]
        rows.append(
            [
                system.title,
                *(
                    " / ".join(_cell(own, name, 0) for name in ("coverage", "accuracy", "ece"))
                    for own in means
                ),
            ]
        )
    yield from table(["", *(CONDITIONS[name] for name in shown)], rows)


def write(found: Mapping[str, Figures], docs: Path, readme: Path | None = None) -> list[Path]:
    """Writes the figures, and the tables into the pages that have a place for them; returns the files."""
    figures = docs / FOLDER / FIGURES_FILE
    figures.parent.mkdir(parents=True, exist_ok=True)
    figures.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    written = [figures]
    pages = [(docs / f"{FOLDER}.md", [*summary(found), *details(found)])]
    if readme is not None:
        pages.append((readme, [*summary(found)]))
    for path, lines in pages:
        text = path.read_text(encoding="utf-8")
        path.write_text(placed(text, lines, path), encoding="utf-8")
        written.append(path)
    return written


def on_cards(found: Mapping[str, Figures], models: Path) -> list[Path]:
    """Writes the same on the cards of the models that the pipelines run; returns the cards."""
    written = []
    for system in SYSTEMS:
        if system.recipe:
            continue
        for classifier in load_description(system.what).classifiers:
            folder = models / str(classifier.options["model"])
            card = load_card(folder)
            figures = {name: value for name, value in card.figures.items() if not name.startswith(STRANGERS)}
            figures |= dict(_told(found[system.name], ", ".join(system.corpora)))
            written.append(write_card(folder, msgspec.structs.replace(card, figures=figures)))
    return written


def _told(own: Mapping[str, Figures], corpora: str) -> Iterator[tuple[str, float | list[float]]]:
    for condition, name in CARD_FIGURES:
        values = own[condition].get("mean", own[condition])
        named = f"{STRANGERS} ({corpora}), {CONDITIONS[condition]}: {NAMES[name]}"
        yield named, values[name]
        if f"{name}_ci95" in values:
            yield f"{named}, 95 % interval", values[f"{name}_ci95"]


def placed(text: str, lines: list[str], path: Path) -> str:
    """A page's text with these lines between its marks; InputError without marks."""
    opening, closing = f"<!-- {MARK} -->", f"<!-- /{MARK} -->"
    between = re.compile(f"{re.escape(opening)}.*?{re.escape(closing)}", re.DOTALL)
    if not between.search(text):
        raise InputError(f"'{path}' has no place for the table", expected=f"{opening} and {closing}")
    inner = "\n".join(lines).strip()
    return between.sub(lambda _: f"{opening}\n{inner}\n{closing}", text)


def _cell(own: Mapping[str, Any], name: str, digits: int = 1) -> str:
    return f"{100 * own[name]:.{digits}f}" if own.get(name) is not None else "–"

"""The page and the pictures of an evaluation of what runs live."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .html import PAGE, STYLE
from .live_tables import (
    CONDITIONS,
    NAMES,
    confusion_table,
    curve_section,
    figures_table,
    line,
    with_interval,
)
from .markdown import save_picture
from .tables import text

Report = dict[str, Any]
BRIEF = ("uar", "false_alarms", "emotions_right", "coverage")
CONFUSION, CURVE = "confusion.png", "curve.png"


def write_report(report: Report, out: Path) -> None:
    """``out/report.html``, and ``confusion.png`` and ``curve.png`` beside it."""
    (out / PAGE).write_text("\n".join(page(report)) + "\n", encoding="utf-8")
    named = list(_named(report))
    _confusion_picture(named, report["labels"], out / CONFUSION)
    _curve_picture(named, out / CURVE)


def summary(report: Report) -> Iterator[str]:
    """A line for each condition, for a console."""
    for name, title in CONDITIONS.items():
        if name in report:
            own = report[name]
            known = [
                f"{NAMES[figure]} {with_interval(own, figure)}" for figure in BRIEF if own[figure] is not None
            ]
            yield f"{title}: {', '.join(known)}"


def unknown_labels(report: Report) -> Iterator[str]:
    """A line for each corpus of which a shipped pipeline left out recordings, for a console."""
    for name, own in _parts(report):
        if own["left_out"]:
            count, labels = sum(own["left_out"].values()), ", ".join(own["left_out"])
            yield f"{name}: {count} recordings left out: {labels}"


def _far(report: Report) -> str:
    limit = report.get("unsure_beyond")
    if limit is None:
        return ""
    return f", and answers about speech beyond {limit:g} times the model's limit of distance,"


def page(report: Report) -> Iterator[str]:
    """The lines of the page."""
    title = f"{report['pipeline']} on {report['corpus']}"
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{text(title)}</title>'
    yield f"<style>{STYLE}</style></head><body><h1>{text(title)}</h1>"
    yield (
        f"<p>The pipeline as configured, {text(report['target'])}, on recordings by themselves and on "
        f"streams of each speaker's recordings with {report['pause_s']:g} s of room noise between them. "
        "In brackets the 95 % interval of a bootstrap of whole speakers. <b>False alarms</b>: neutral "
        "recordings answered with an emotion. Answers below a probability of "
        f"{report['unsure_below']:g}{_far(report)} are unsure: no alarm, not right. "
        "<b>Emotions right</b>: mean recall of the other labels.</p>"
    )
    yield from figures_table(report)
    for name, own in report.get("per_corpus", {}).items():
        yield f"<h2>{text(name)}</h2>"
        yield from figures_table(own)
    for name, own in _parts(report):
        yield from _left_out(name, own)
    for name, own in _named(report):
        yield f"<h2>Answers: {text(name)}</h2>"
        yield from confusion_table(own, report["labels"])
    yield from curve_section(list(_named(report)))
    yield "<h2>Configuration and versions</h2>"
    made = {"config": report["config"], "versions": report["versions"]}
    yield f"<pre>{text(json.dumps(made, indent=2, ensure_ascii=False))}</pre></body></html>"


def _parts(report: Report) -> Iterator[tuple[str, Report]]:
    """Each corpus."""
    yield from report.get("per_corpus", {report["corpus"]: report}).items()


def _named(report: Report) -> Iterator[tuple[str, Report]]:
    """(what it is of, figures) of each corpus and condition."""
    several = "per_corpus" in report
    for corpus, own in _parts(report):
        for name, title in CONDITIONS.items():
            if name in own and (several or name != "read"):
                yield f"{corpus}, {title}" if several else title, own[name]
    if "read" in report:
        yield CONDITIONS["read"], report["read"]


def _left_out(name: str, report: Report) -> Iterator[str]:
    if report["left_out"]:
        labels = ", ".join(f"{count} {label}" for label, count in sorted(report["left_out"].items()))
        yield f'<p class="note">{text(name)}: left out, as the model does not know these labels:'
        yield f"{text(labels)}."
        yield "If one of them is called otherwise here, say so: --alias angry=anger.</p>"


def _confusion_picture(
    named: Sequence[tuple[str, Mapping[str, Any]]], labels: Sequence[str], path: Path
) -> None:
    from matplotlib.figure import Figure

    columns = [*labels, "unsure", "no answer"]
    figure = Figure(figsize=(5.5, 0.8 + (0.6 + 0.45 * len(labels)) * len(named)), layout="constrained")
    for axes, (name, own) in zip(figure.subplots(len(named), 1, squeeze=False)[:, 0], named, strict=True):
        totals = [max(1, sum(row)) for row in own["confusion"]]
        shares = [[n / total for n in row] for row, total in zip(own["confusion"], totals, strict=True)]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for y, row in enumerate(shares):
            for x, share in enumerate(row):
                ink = "white" if share > 0.55 else "black"
                axes.text(x, y, f"{share:.2f}", ha="center", va="center", color=ink, fontsize="small")
        axes.set_xticks(range(len(columns)), columns, fontsize="small")
        axes.set_yticks(range(len(labels)), labels, fontsize="small")
        axes.set_title(name, fontsize="small")
    save_picture(figure, path)


def _curve_picture(named: Sequence[tuple[str, Mapping[str, Any]]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, own in named:
        if "curve" in own:
            axes.plot(*zip(*line(own), strict=True), label=name)
    axes.set(xlabel="false alarms", ylabel="emotions right", xlim=(0, 1), ylim=(0, 1))
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize="small")
    save_picture(figure, path)

"""Figures of what runs live, as parts of a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .charts import curves
from .tables import share_cell, table, text

NAMES = {
    "uar": "unweighted average recall",
    "false_alarms": "false alarms",
    "emotions_right": "emotions right",
    "coverage": "coverage",
    "accuracy": "accuracy of what is not unsure",
    "unanswered": "without an answer",
    "ece": "expected calibration error",
}
CONDITIONS = {
    "plain": "each recording by itself",
    "live": "in a stream, with pauses",
    "everyday_80": "80 % neutral",
    "everyday_95": "95 % neutral",
    "read": "read speech",
}


def figures_table(report: Mapping[str, Any]) -> Iterator[str]:
    """Figures by condition."""
    found = {name: report[name] for name in CONDITIONS if name in report}
    rows = [
        [title, *(with_interval(own, figure) for own in found.values())] for figure, title in NAMES.items()
    ]
    yield from table(["", *(CONDITIONS[name] for name in found)], rows)


def confusion_table(figures: Mapping[str, Any], labels: Sequence[str]) -> Iterator[str]:
    """What was answered to the recordings of each label."""
    header = "".join(f"<th>{text(name)}</th>" for name in (*labels, "unsure", "no answer", "recall"))
    yield f"<table><tr><th></th>{header}</tr>"
    for label, counts in zip(labels, figures["confusion"], strict=True):
        if sum(counts):
            cells = "".join(share_cell(count, sum(counts)) for count in counts)
            recall = figures["recalls"][label]["recall"]
            yield f"<tr><td>{text(label)}</td>{cells}<td>{recall:.3f}</td></tr>"
    yield "</table>"


def curve_section(named: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """False alarms against emotions right, a line for each condition."""
    lines = [(name, line(own)) for name, own in named if "curve" in own]
    if lines:
        yield "<h2>Emotions right at how many false alarms</h2><p>Over thresholds of how much more probable"
        yield "the best emotion is than neutral, unsure or not: compare models at equal false alarms.</p>"
        yield curves(lines, "false alarms")


def with_interval(figures: Mapping[str, Any], name: str) -> str:
    """A share with its interval, in per cent."""
    if figures[name] is None:
        return "–"
    bounds = figures[f"{name}_ci95"]
    interval = f" [{100 * bounds[0]:.1f}, {100 * bounds[1]:.1f}]" if bounds else ""
    return f"{100 * figures[name]:.1f} %{interval}"


def line(figures: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The points of a curve: false alarms, emotions right."""
    return [(point["false_alarms"], point["emotions_right"]) for point in figures["curve"]]

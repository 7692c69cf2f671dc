"""A report for people: one self-contained HTML page, and rows for a LaTeX table.

The page needs no script, no font and no picture from elsewhere: charts are SVG inside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .charts import bars, calibration_curve, points
from .live_tables import CONDITIONS, confusion_table, curve_section, figures_table
from .tables import share_cell as _cell
from .tables import table as _table
from .tables import text as _text

PAGE, ROWS = "report.html", "report.tex"
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse } td, th { padding: .25rem .6rem; text-align: right }
th { font-weight: 600 } td:first-child, th:first-child { text-align: left }
tr + tr td { border-top: 1px solid #ddd } pre { background: #f6f6f6; padding: 1rem; overflow-x: auto }
.note { background: #fff5d6; padding: .5rem 1rem } svg text { font: 11px system-ui, sans-serif }
"""
NAMES = {
    "uar": "unweighted average recall",
    "wa": "weighted accuracy",
    "ece": "expected calibration error",
    "ccc": "concordance correlation coefficient",
    "rmse": "root mean square error",
}
Report = dict[str, Any]


def write_pages(report: Report, out: Path) -> None:
    """``out/report.html`` and ``out/report.tex`` of a report."""
    (out / PAGE).write_text("\n".join(page(report)) + "\n", encoding="utf-8")
    (out / ROWS).write_text("\n".join(latex(report)) + "\n", encoding="utf-8")


def page(report: Report) -> Iterator[str]:
    """The lines of the HTML page."""
    title = f"{report['config']['name']} on {report['corpus']}"
    yield "<!doctype html>"
    yield f'<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
    yield f"<style>{STYLE}</style></head><body>"
    yield f"<h1>{_text(title)}</h1>"
    yield (
        f"<p>{report['target']}, protocol {_text(report['protocol'])}: {report['n']} recordings of "
        f"{report['tested_speakers']} speakers tested, each by a model that never heard them. In brackets "
        "the 95 % interval of a bootstrap of whole speakers.</p>"
    )
    for note in report["notes"]:
        yield f'<p class="note">{_text(note)}</p>'
    yield "<h2>Figures</h2>"
    yield from _table(
        ["figure", "value", "95 % interval"],
        [[NAMES[name], f"{report[name]:.3f}", _interval(report, name)] for name in NAMES if name in report],
    )
    yield from _by_label(report)
    yield from _live(report)
    yield from _windows(report)
    yield from _by_place(report)
    yield from _speakers(report)
    yield from _folds(report)
    yield "<h2>Configuration and versions</h2>"
    made = {"config": report["config"], "inputs": report["inputs"], "versions": report["versions"]}
    yield f"<pre>{_text(json.dumps(made, indent=2, ensure_ascii=False))}</pre>"
    yield "</body></html>"


def latex(report: Report) -> Iterator[str]:
    """A row for each figure of merit, to be pasted between \\midrule and \\bottomrule."""
    yield "% system & corpus & protocol & figure & value in % & 95 % interval \\\\"
    for name in NAMES:
        if name not in report:
            continue
        cells = [report["config"]["name"], report["corpus"], report["protocol"], name.upper()]
        interval = report[f"{name}_ci95"]
        bounds = f"[{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]" if interval else "--"
        yield " & ".join([*map(_latex, cells), f"{100 * report[name]:.1f}", bounds]) + r" \\"


def _by_label(report: Report) -> Iterator[str]:
    if "labels" not in report:
        return
    labels = report["labels"]
    yield "<h2>Confusion</h2><p>Rows are true, columns predicted; shares of each row.</p>"
    yield f"<table><tr><th></th>{''.join(f'<th>{_text(label)}</th>' for label in labels)}<th>recall</th></tr>"
    for label, counts in zip(labels, report["confusion"], strict=True):
        total = sum(counts)
        cells = "".join(_cell(count, total) for count in counts)
        own = report["recalls"].get(label)
        recall = f"{own['recall']:.3f} {_interval(own, 'recall')}" if own else "–"
        yield f"<tr><td>{_text(label)}</td>{cells}<td>{recall}</td></tr>"
    yield "</table>"
    yield "<h2>Calibration</h2><p>How often the winning label is right, by the probability it was given; the"
    yield "diagonal would be perfect, the area of a dot is the number of recordings.</p>"
    yield calibration_curve(report["calibration"])


def _live(report: Report) -> Iterator[str]:
    if "live" in report:
        yield "<h2>Live</h2><p>The same models on streams of each speaker's recordings with pauses between"
        yield f"them, cut as the pipeline {_text(report['live_pipeline'])} does; answers below a probability"
        yield f"of {report['unsure_below']:g} are unsure: no false alarm, and not right.</p>"
        yield from figures_table(report)
        yield from confusion_table(report["live"], report["labels"])
        yield from curve_section([(name, report[name]) for name in CONDITIONS if name in report])


def _windows(report: Report) -> Iterator[str]:
    figure = "ccc" if "ccc" in report else "uar"
    lengths = {name: own for name, own in report["windows"].items() if own["n"]}
    if lengths:
        yield f"<h2>By length of window</h2><p>{NAMES[figure].capitalize()} of windows, and of the whole.</p>"
        rows = [*lengths.items(), ("whole", report)]
        yield points([(name, own[figure], own[f"{figure}_ci95"]) for name, own in rows])


def _by_place(report: Report) -> Iterator[str]:
    if "by_place" in report:
        yield "<h2>How fast a speaker becomes known</h2><p>Unweighted average recall of the recordings that"
        yield "were heard first, second, third and fourth … of their speaker.</p>"
        yield points([(name, own["uar"], own["uar_ci95"]) for name, own in report["by_place"].items()])


def _speakers(report: Report) -> Iterator[str]:
    figure = "ccc" if "ccc" in report else "uar"
    yield f"<h2>By speaker</h2><p>{NAMES[figure].capitalize()}, the hardest first.</p>"
    speakers = sorted(report["per_speaker"].items(), key=lambda entry: (entry[1][figure], entry[0]))
    yield bars([(name, own[figure], f"{own['n']} recordings") for name, own in speakers])


def _folds(report: Report) -> Iterator[str]:
    figure = "ccc" if "ccc" in report else "uar"
    yield "<h2>Folds</h2>"
    rows = [
        [
            fold["name"],
            str(len(fold["test_speakers"])),
            str(fold["n"]),
            f"{fold[figure]:.3f} {_interval(fold, figure)}" if fold["n"] else "–",
            ", ".join(f"{key} = {value}" for key, value in fold["chosen"].items()),
        ]
        for fold in report["per_fold"]
    ]
    yield from _table(["fold", "speakers", "n", figure.upper(), "selected"], rows)


def _interval(figures: Report, name: str) -> str:
    interval = figures.get(f"{name}_ci95")
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "one speaker"


def _latex(text: str) -> str:
    for special in "&%$#_{}":
        text = text.replace(special, f"\\{special}")
    return text

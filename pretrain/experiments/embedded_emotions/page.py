"""The page of figures of the first paper: its tables in Markdown, confusion matrices as pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from stimmung.plugins.extract.bert import ENGLISH, GERMAN

from ...reports.markdown import percent, save_picture, table
from ...statistics.metrics import Ints
from .grid_search import COSTS, Figures, GridSearch
from .study import TARGETS, WINDOW_S, Findings, Result

PAGE = "embedded_emotions.md"
FOLDER = "embedded_emotions"
SYSTEMS = ("SampleCNN", "SentenceBert", "DeepSpectrum", "LiFE")
# UAR in %, development and test partition of USoMS-e, of Embedded Emotions' tables 1 and 2.
PUBLISHED = {
    ("SampleCNN", "arousal"): ("55.0", "39.5"),
    ("SampleCNN", "valence"): ("38.9", "–"),
    ("SentenceBert", "arousal"): ("42.3", "–"),
    ("SentenceBert", "valence"): ("49.1", "54.7"),
    ("DeepSpectrum", "arousal"): ("39.5", "50.4"),
    ("DeepSpectrum", "valence"): ("36.9", "40.3"),
    ("LiFE", "arousal"): ("40.6", "44.0"),
    ("LiFE", "valence"): ("49.2", "49.0"),
}

INTRODUCTION = """\
# Embedded Emotions: figures

Written by `stimmung report paper1`; do not edit. The systems are those of Schiller, Mertes and
André 2020, *Embedded Emotions*. Its corpora are licensed, ours can be had by anybody, so figures
stand beside each other to be read, not to be ranked. Figures are unweighted average recall (UAR)
in %, in brackets the 95 % interval of a bootstrap of whole speakers (EmoDB), documents (EmoBank) or
lines (XED, which names no documents).

"""
HOW = """\
## How it was measured

- Audio: EmoDB, four emotions of ten speakers. Samples are windows of {window_s:g} s, every half of that, and
  a recording is voted on like a narrative; shorter recordings are one sample. Each speaker is tested
  once; the next two select the cost, the seven others are trained on, and for the test the selecting two
  are trained on too.
- Arousal and valence of EmoDB are the emotions' by configs/targets.toml. Acted emotions of few sentences
  are easier than the narratives of elderly people in the paper.
- Texts: EmoBank, three classes by the tertiles of the training sentences, tested on its published dev
  split; a fifth of the training documents selects the cost. A document's truth is the majority of its
  sentences. XED by lines: 70 % train, 15 % select, 15 % test, by a hash of the text. Its annotated and its
  neutral English lines are published in different forms, by which alone they could be told apart: tokens and
  tags for names in the one, names and no comma in the other. All of this is taken out first.
- BERT for English: {english}. For German: {german}.
- Baseline: tf-idf of character n-grams (2 to 5, within words) and the same linear machine.

"""


def write(findings: Findings) -> Path:
    """Writes the page, its figures as JSON and its pictures below ``findings.options.out``."""
    out = findings.options.out
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    records = [record(result) for result in findings.results]
    (out / FOLDER / "figures.json").write_bytes(msgspec.json.format(msgspec.json.encode(records)) + b"\n")
    for result in findings.results:
        picture(result, out / FOLDER / _name(result))
    page = out / PAGE
    page.write_text("\n".join(_page(findings)) + "\n", encoding="utf-8")
    return page


def picture(result: Result, path: Path) -> None:
    """A confusion matrix after the vote: rows true, columns predicted, shares of each row."""
    from matplotlib.figure import Figure

    swept = result.swept
    shares = swept.confusion / swept.confusion.sum(axis=1, keepdims=True).clip(min=1)
    figure = Figure(figsize=(3.2, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in _cells(swept.confusion):
        share = float(shares[row, column])
        axes.text(
            column,
            row,
            f"{share:.2f}\n{swept.confusion[row, column]}",
            ha="center",
            va="center",
            color="white" if share > 0.5 else "black",
        )
    axes.set_xticks(range(len(swept.labels)), swept.labels)
    axes.set_yticks(range(len(swept.labels)), swept.labels)
    axes.set(xlabel="predicted", ylabel="true", title=f"{result.system}, {result.corpus}, {result.target}")
    axes.title.set_fontsize("small")
    save_picture(figure, path)


def _page(findings: Findings) -> Iterator[str]:
    options = findings.options
    yield from INTRODUCTION.splitlines()
    yield from _systems(findings)
    yield from _sweeps(findings)
    yield from _texts(findings)
    yield from _pretraining(findings)
    yield from HOW.format(
        window_s=WINDOW_S,
        english=Path(options.english).name + (" (the default)" if options.english == ENGLISH else ""),
        german=Path(options.german).name + (" (the default)" if options.german == GERMAN else ""),
    ).splitlines()
    yield "## Confusion after the vote"
    yield ""
    for result in findings.results:
        yield f"![{result.system}, {result.corpus}, {result.target}]({FOLDER}/{_name(result)})"


def _systems(findings: Findings) -> Iterator[str]:
    yield "## Four systems"
    yield ""
    yield "Test figures with the selected cost, and the paper's (development / test)."
    yield ""
    rows = []
    for system in SYSTEMS:
        for target in TARGETS:
            result = findings.of(system, target)
            dev, test = PUBLISHED[system, target]
            tested = result.swept.test
            rows.append([system, target, result.corpus, _before(tested), _after(tested), f"{dev} / {test}"])
    yield from table(["system", "target", "corpus", "samples", "after the vote", "the paper, USoMS-e"], rows)


def _sweeps(findings: Findings) -> Iterator[str]:
    for target in TARGETS:
        yield f"## Sweep of costs, {target}, development partition"
        yield ""
        yield "UAR of samples → after the vote; the cost that was selected most often is bold."
        yield ""
        swept = [findings.of(system, target).swept for system in SYSTEMS]
        rows = [[f"{cost:g}", *(_swept(one, cost) for one in swept)] for cost in COSTS]
        yield from table(["C", *SYSTEMS], rows)


def _texts(findings: Findings) -> Iterator[str]:
    yield "## Texts beside a baseline"
    yield ""
    yield "Test figures of single sentences."
    yield ""
    rows = []
    for result in findings.results:
        if result.system == "SentenceBert":
            other = findings.of("n-grams", result.target, result.corpus)
            classes = ", ".join(result.swept.labels)
            figures = [_before(one.swept.test) for one in (result, other)]
            rows.append([result.corpus, result.target, classes, str(result.swept.test.n), *figures])
    yield from table(["corpus", "target", "classes", "n", "SentenceBert", "n-grams"], rows)


def _pretraining(findings: Findings) -> Iterator[str]:
    card = findings.pretrained
    yield "## Gender from the raw waveform"
    yield ""
    data = card.trained_on
    yield f"{data.corpus}: {data.clips} recordings, {data.speakers} speakers, {data.hours:.2f} hours;"
    yield f"{card.protocol}. A voice is all recordings of a speaker. The paper reports 97 % with 1000 hours."
    yield ""
    rows = []
    for name, figure in card.figures.items():
        interval = card.figures.get(f"{name}, 95 % interval")
        if isinstance(figure, float) and isinstance(interval, list):
            rows.append([name, percent(figure, (interval[0], interval[1]))])
    yield from table(["on speakers never heard", "%"], rows)


def _before(figures: Figures) -> str:
    return percent(figures.before, figures.before_ci95)


def _after(figures: Figures) -> str:
    return percent(figures.after, figures.after_ci95)


def _swept(swept: GridSearch, cost: float) -> str:
    figures = swept.dev[cost]
    cell = f"{_before(figures)} → {_after(figures)}"
    return f"**{cell}**" if cost == max(COSTS, key=swept.chosen.count) else cell


def _cells(confusion: Ints) -> Iterator[tuple[int, int]]:
    return ((row, column) for row in range(len(confusion)) for column in range(len(confusion)))


def _name(result: Result) -> str:
    return f"{result.system}_{result.corpus}_{result.target}.png".lower().replace(" ", "_")


def swept_table(swept: GridSearch) -> list[str]:
    """The figures of every cost on the development partitions, then those of the test."""
    rows = [[f"{cost:g}", _swept(swept, cost)] for cost in swept.dev]
    tested = f"{_before(swept.test)} → {_after(swept.test)}"
    return [*table(["C", "UAR of samples → after the vote"], rows), f"test: {tested}"]


def record(result: Result) -> dict[str, Any]:
    """A result as plain tables."""
    swept = result.swept
    return {
        "system": result.system,
        "corpus": result.corpus,
        "target": result.target,
        "labels": swept.labels,
        "dev": {f"{cost:g}": dataclasses.asdict(figures) for cost, figures in swept.dev.items()},
        "chosen": swept.chosen,
        "test": dataclasses.asdict(swept.test),
        "confusion": swept.confusion.tolist(),
    }

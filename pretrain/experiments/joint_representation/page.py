"""The page of figures of the second paper, written of whatever is there."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ...reports.markdown import percent, table
from . import figures as pictures
from .findings import VOTE_S, Findings, Found, Outcome, differ
from .prose import HOW, INTRODUCTION, ORDER
from .systems import (
    BENCHES,
    EMODB,
    JOINT,
    JOINT_STREAM,
    LINEAR,
    LINEAR_STREAM,
    MULTI,
    PLAIN,
    RAVDESS,
    RAW,
    SYSTEMS,
    Bench,
)

PAGE = "joint_representation.md"
FOLDER = "joint_representation"
# WA and UA in % on IEMOCAP, and UA on Atypical Affect's development and test set: its tables 1 and 2.
PUBLISHED = {
    PLAIN.name: ("56.54", "56.42", "29.37 / –"),
    MULTI.name: ("57.53", "58.06", "30.65 / –"),
    JOINT.name: ("60.35", "63.98", "32.45 / 35.795"),
    RAW.name: ("–", "–", "41.8 / 28.0"),
}
BARS = (
    (JOINT, EMODB, "uar", 0.84),
    (JOINT, RAVDESS, "uar", 0.60),
    (JOINT_STREAM, EMODB, "uar", 0.87),
    (JOINT_STREAM, RAVDESS, "uar", 0.64),
    (LINEAR_STREAM, EMODB, "uar", 0.87),
    (LINEAR_STREAM, RAVDESS, "uar", 0.64),
    (JOINT, EMODB, "ece", 0.08),
    (JOINT, RAVDESS, "ece", 0.08),
)
MINUTES, MS = 15.0, 25.0
SHOWN = (JOINT, LINEAR)  # in the curves


@dataclass(frozen=True, slots=True)
class Shown:
    """All that is written: the figures and curves of every outcome, in its order."""

    findings: Findings
    figures: list[Found]
    streamed_ms: list[float]

    def of(self, outcome: Outcome) -> Found:
        """The figures of one."""
        return self.figures[self.findings.outcomes.index(outcome)]


def write(findings: Findings, streamed_ms: list[float], out: Path) -> Path:
    """Writes the page, its figures as JSON and its pictures below ``out``."""
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    shown = Shown(findings, [own.figures() for own in findings.outcomes], streamed_ms)
    lines = [
        *INTRODUCTION.splitlines(),
        *_systems(shown),
        *_missing(findings),
        *_bars(shown),
        *_order(findings),
        *_windows(findings, out),
        *_coverage(shown, out),
        *_costs(shown),
        *HOW.format(vote_s=VOTE_S).splitlines(),
    ]
    records = [
        {"system": own.system.name, "corpus": own.bench.name, "seeds": own.seeds, **figures}
        for own, figures in zip(findings.outcomes, shown.figures, strict=True)
    ]
    (out / FOLDER / "figures.json").write_bytes(msgspec.json.format(msgspec.json.encode(records)) + b"\n")
    page = out / PAGE
    page.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return page


def _systems(shown: Shown) -> Iterator[str]:
    for bench in BENCHES:
        rows = []
        for system in SYSTEMS:
            outcome = shown.findings.of(system, bench)
            published = PUBLISHED.get(system.name, ("–", "–", "–"))
            if outcome is None:
                rows.append([system.name, "not run", "", "", "", *published])
                continue
            own = shown.of(outcome)
            seeds = ", ".join(f"{100 * uar:.1f}" for uar in own["uar_by_seed"])
            cells = [percent(own[name], own[f"{name}_ci95"]) for name in ("uar", "wa")]
            rows.append([system.name, *cells, f"{own['ece']:.3f}", seeds, *published])
        yield f"## Systems on {bench.name}"
        yield ""
        header = ["system", "UA", "WA", "ECE", "UA of each seed"]
        yield from table([*header, "paper: WA", "UA on IEMOCAP", "UA on Atypical Affect, dev / test"], rows)
        yield from _unseen(shown.findings, bench)


def _unseen(findings: Findings, bench: Bench) -> Iterator[str]:
    """HSF-CRNN by the speakers alone by whom none of its settings was chosen."""
    outcome = findings.of(JOINT, bench)
    if outcome is None or not outcome.unseen:
        return
    found = outcome.of_unseen()
    count = len(outcome.unseen)
    yield f"By the {count} speakers of fold {bench.unseen}, by whom none of its settings was chosen,"
    yield f"{JOINT.name} has a UA of {percent(found['uar'], found['ci95'])}."
    yield ""


def _missing(findings: Findings) -> Iterator[str]:
    if not findings.missing:
        return
    yield "What was asked for and is not there yet; no figure on this page holds any of it:"
    yield ""
    seeds: dict[tuple[str, str], list[str]] = {}
    for run, there, folds in findings.missing:
        done = f" ({there} of {folds} folds done)" if there else ""
        seeds.setdefault((run.system.name, run.bench.name), []).append(f"{run.seed}{done}")
    for (system, bench), those in seeds.items():
        yield f"- {system} on {bench}: seed {', '.join(those)}"
    yield ""


def _bars(shown: Shown) -> Iterator[str]:
    rows = []
    for system, bench, name, bar in BARS:
        outcome = shown.findings.of(system, bench)
        asked = f"UA ≥ {100 * bar:g} %" if name == "uar" else f"ECE ≤ {bar:g}"
        if outcome is None:
            rows.append([f"{system.name} on {bench.name}", asked, "not run", "–"])
            continue
        figure = shown.of(outcome)[name]
        told = f"{100 * figure:.1f} %" if name == "uar" else f"{figure:.3f}"
        met = figure >= bar if name == "uar" else figure <= bar
        rows.append([f"{system.name} on {bench.name}", asked, told, _yes(met)])
    trained = [own for own in shown.findings.outcomes if own.bench == EMODB]
    if trained:
        # By computing, on one core: the time by the clock is also that of whatever else the machine did.
        longest = max(trained, key=lambda own: max(own.cpu_s))
        minutes = max(longest.cpu_s) / 60
        what = f"training all folds on EmoDB, the longest: {longest.system.name}"
        rows.append([what, f"< {MINUTES:g} min", f"{minutes:.1f} min", _yes(minutes < MINUTES)])
    streamed = statistics.median(shown.streamed_ms)
    rows.append(
        ["one streamed second of HSF-CRNN", f"< {MS:g} ms", f"{streamed:.1f} ms", _yes(streamed < MS)]
    )
    yield "## What was aimed at"
    yield ""
    yield from table(["figure", "aim", "measured", "reached"], rows)


def _order(findings: Findings) -> Iterator[str]:
    rows = []
    for bench in BENCHES:
        for one, other in ((PLAIN, MULTI), (MULTI, JOINT), (PLAIN, JOINT), (LINEAR, JOINT), (RAW, PLAIN)):
            first, second = findings.of(one, bench), findings.of(other, bench)
            if first is None or second is None:
                continue
            more, p = differ(first, second)
            rows.append([bench.name, f"{one.name} → {other.name}", f"{100 * more:+.1f}", f"{p:.3f}"])
    if not rows:
        return
    yield "## Does the paper's order hold?"
    yield ""
    yield "Points of UA by which the second is better; p: of a permutation of whole speakers between the two."
    yield ""
    yield from table(["corpus", "from → to", "points", "p"], rows)
    for bench in BENCHES:
        yield from _sentence(findings, bench)
    yield from ORDER.splitlines()


def _sentence(findings: Findings, bench: Bench) -> Iterator[str]:
    """Whether plain < multi < HSF-CRNN holds there."""
    outcomes = [findings.of(system, bench) for system in (PLAIN, MULTI, JOINT)]
    uars = [own.figures()["uar"] for own in outcomes if own is not None]
    if len(uars) < len(outcomes):
        lacking = [s.name for s, own in zip((PLAIN, MULTI, JOINT), outcomes, strict=True) if own is None]
        yield f"On {bench.name} it cannot be said yet: {' and '.join(lacking)} not run."
    else:
        told = " < " if uars == sorted(set(uars)) else ", "
        verdict = "holds" if uars == sorted(set(uars)) else "does not hold"
        figures = told.join(f"{100 * uar:.1f}" for uar in uars)
        yield f"On {bench.name} plain CRNN < multi-CRNN < HSF-CRNN {verdict}: {figures}."
    yield ""


def _windows(findings: Findings, out: Path) -> Iterator[str]:
    for bench in BENCHES:
        outcomes = _of(findings, SHOWN, bench)
        if not outcomes:
            continue
        curves = [outcome.curve() for outcome in outcomes]
        name = f"windows_{bench.folder}.png"
        pictures.windows(outcomes, curves, out / FOLDER / name)
        yield f"## UAR by length of window: {bench.name}"
        yield ""
        yield f"![UAR by length of window on {bench.name}]({FOLDER}/{name})"
        yield ""
        header = ["window", "recordings cut"]
        header += [
            f"{own.system.name}{kind}" for own in outcomes for kind in (": windows", ": after the vote")
        ]
        rows = []
        for entries in zip(*curves, strict=True):
            length = f"{entries[0]['window_s']:g} s" if entries[0]["window_s"] else "whole"
            row = [length, f"{100 * entries[0]['cut']:.0f} %" if entries[0]["window_s"] else "–"]
            for entry in entries:
                row.append(percent(entry["windows"]["uar"], entry["windows"]["ci95"]))
                voted = entry.get("voted")
                row.append(percent(voted["uar"], voted["ci95"]) if voted else "–")
            rows.append(row)
        yield from table(header, rows)


def _coverage(shown: Shown, out: Path) -> Iterator[str]:
    for bench in BENCHES:
        outcomes = _of(shown.findings, SHOWN, bench)
        if not outcomes:
            continue
        curves = [outcome.coverage() for outcome in outcomes]
        name = f"coverage_{bench.folder}.png"
        pictures.coverage(outcomes, curves, out / FOLDER / name)
        yield f"## Calibration and “unsure”: {bench.name}"
        yield ""
        yield "Expected calibration error of whole recordings of speakers never heard, mean of the seeds:"
        said = [f"{own.system.name} {shown.of(own)['ece']:.3f}" for own in outcomes]
        yield f"{', '.join(said)}. What a pipeline's `unsure_below` gives up, and what it gains:"
        yield ""
        yield f"![Coverage and accuracy on {bench.name}]({FOLDER}/{name})"
        yield ""
        yield from table(["unsure_below", *(_pair(own) for own in outcomes)], list(_thresholds(curves)))


def _thresholds(curves: Sequence[list[Found]]) -> Iterator[list[str]]:
    """Every second threshold at which any recording is left, as rows of (coverage → right)."""
    for place in range(6, max(len(curve) for curve in curves), 2):
        known = [curve[place] if place < len(curve) else None for curve in curves]
        cells = [
            f"{100 * own['coverage']:.0f} → {percent(own['accuracy'], own['ci95'])}" if own else "–"
            for own in known
        ]
        yield [next(f"{own['threshold']:g}" for own in known if own), *cells]


def _costs(shown: Shown) -> Iterator[str]:
    yield "## What it costs"
    yield ""
    yield f"Training all folds with one seed, on one core; the aim was {MINUTES:g} minutes on two for EmoDB."
    yield ""
    rows = [
        [own.system.name, own.bench.name, *(f"{statistics.mean(each) / 60:.1f}" for each in own_costs)]
        for own, own_costs in ((own, (own.wall_s, own.cpu_s)) for own in shown.findings.outcomes)
    ]
    yield from table(["system", "corpus", "minutes", "of which computing"], rows)
    low, middle, high = (choose(shown.streamed_ms) for choose in (min, statistics.median, max))
    yield f"One streamed second of the shipped HSF-CRNN pipeline takes {middle:.1f} ms of one core"
    yield f"({low:.1f} to {high:.1f} in {len(shown.streamed_ms)} rounds);"
    yield "`stimmung bench speed --pipeline hsf_crnn` measures the same."
    yield ""


def _of(findings: Findings, systems: Sequence[object], bench: Bench) -> list[Outcome]:
    return [own for own in findings.outcomes if own.system in systems and own.bench == bench]


def _pair(outcome: Outcome) -> str:
    return f"{outcome.system.name}: coverage → right, in %"


def _yes(met: bool) -> str:
    return "yes" if met else "no"

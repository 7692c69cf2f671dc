"""The curves of the second paper's page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...reports.markdown import save_picture
from .findings import Found, Outcome

COLOURS = ("#2166ac", "#b2182b")


def windows(outcomes: Sequence[Outcome], curves: Sequence[list[Found]], path: Path) -> None:
    """UAR by length of window, and after the vote; whiskers are 95 % intervals."""
    figure, axes = _empty(5.6)
    count = len(curves[0])
    for outcome, curve, colour, shift in zip(outcomes, curves, COLOURS, (-0.06, 0.06), strict=False):
        for kind, line, marker in (("windows", "-", "o"), ("voted", "--", "s")):
            own = [(place + shift, entry[kind]) for place, entry in enumerate(curve) if kind in entry]
            said = outcome.system.name + ("" if kind == "windows" else ", after the vote")
            _line(axes, own, line, marker, colour, said)
    names = [f"{entry['window_s']:g} s" if entry["window_s"] else "whole" for entry in curves[0]]
    axes.set_xticks(range(count), names)
    axes.set(xlabel="length of window", ylabel="UAR in %", title=f"{outcomes[0].bench.name}")
    axes.legend(fontsize="small", loc="lower right")
    save_picture(figure, path)


def coverage(outcomes: Sequence[Outcome], curves: Sequence[list[Found]], path: Path) -> None:
    """Share that is right of those at or above a threshold, by the share that is; some thresholds named."""
    figure, axes = _empty(5.6)
    for outcome, curve, colour in zip(outcomes, curves, COLOURS, strict=False):
        across = [100 * entry["coverage"] for entry in curve]
        right = [100 * entry["accuracy"] for entry in curve]
        axes.plot(across, right, "-o", markersize=3, color=colour, label=outcome.system.name)
        low, high = ([100 * entry["ci95"][k] for entry in curve] for k in (0, 1))
        axes.fill_between(across, low, high, color=colour, alpha=0.12, linewidth=0)
        for entry in curve:
            if round(entry["threshold"] * 20) in (8, 12, 16, 18):
                place = (100 * entry["coverage"], 100 * entry["accuracy"])
                axes.annotate(
                    f"{entry['threshold']:g}", place, (3, 4), textcoords="offset points", fontsize="small"
                )
    axes.set(xlabel="coverage in %: not “unsure”", ylabel="right in %", title=outcomes[0].bench.name)
    axes.legend(fontsize="small", loc="lower left")
    save_picture(figure, path)


def _line(
    axes: Axes, own: Sequence[tuple[float, Found]], line: str, marker: str, colour: str, said: str
) -> None:
    across = [place for place, _ in own]
    high = [100 * entry["uar"] for _, entry in own]
    below = [100 * (entry["uar"] - entry["ci95"][0]) for _, entry in own]
    above = [100 * (entry["ci95"][1] - entry["uar"]) for _, entry in own]
    axes.errorbar(
        across,
        high,
        yerr=[below, above],
        fmt=line + marker,
        color=colour,
        markersize=4,
        elinewidth=0.7,
        capsize=2,
        label=said,
    )


def _empty(width: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.grid(color="#eee")
    return figure, axes

"""Small charts as SVG, to stand inside a page."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

BLUE, GREY = "#2166ac", "#bbb"
COLOURS = (BLUE, "#b2182b", "#1b7837", "#762a83", "#e08214")
LEFT, WIDTH, HEIGHT = 60, 420, 220


def calibration_curve(bins: Sequence[dict[str, Any]]) -> str:
    """Dots at (mean confidence, share right) of each bin, with the diagonal."""
    most = max((entry["n"] for entry in bins), default=1)
    dots = [
        f'<circle cx="{_x(entry["confidence"]):.1f}" cy="{_y(entry["right"]):.1f}" '
        f'r="{2 + 9 * math.sqrt(entry["n"] / most):.1f}" fill="{BLUE}" fill-opacity=".7">'
        f"<title>{entry['n']} recordings: {entry['confidence']:.2f} confident, "
        f"{entry['right']:.2f} right</title></circle>"
        for entry in bins
    ]
    diagonal = f'<line x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}" stroke="{GREY}"/>'
    return _svg(LEFT + WIDTH + 20, HEIGHT + 40, [*_axes("confidence"), diagonal, *dots])


def curves(entries: Sequence[tuple[str, Sequence[tuple[float, float]]]], below: str) -> str:
    """Lines through (x, y), both shares of 1, each with its name; ``below`` says what x is."""
    parts = _axes(below)
    for row, (name, places) in enumerate(entries):
        colour = COLOURS[row % len(COLOURS)]
        line = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = HEIGHT - 16 * (len(entries) - 1 - row)
        parts.append(
            f'<text x="{LEFT + WIDTH - 6}" y="{y}" text-anchor="end" fill="{colour}">'
            f"{html.escape(name)}</text>"
        )
    return _svg(LEFT + WIDTH + 20, HEIGHT + 40, parts)


def points(entries: Sequence[tuple[str, float, Sequence[float] | None]]) -> str:
    """(name, value, interval) from left to right, joined by a line; an interval is a whisker."""
    step = WIDTH / max(1, len(entries))
    places = [LEFT + step * (k + 0.5) for k in range(len(entries))]
    line = " ".join(f"{x:.1f},{_y(value):.1f}" for x, (_, value, _) in zip(places, entries, strict=True))
    parts = [*_axes(""), f'<polyline points="{line}" fill="none" stroke="{BLUE}"/>']
    for x, (name, value, interval) in zip(places, entries, strict=True):
        if interval:
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_y(interval[0]):.1f}" y2="{_y(interval[1]):.1f}" '
                f'stroke="{BLUE}"/>'
            )
        parts.append(f'<circle cx="{x:.1f}" cy="{_y(value):.1f}" r="4" fill="{BLUE}"/>')
        parts.append(f'<text x="{x + 7:.1f}" y="{_y(value) - 6:.1f}">{value:.3f}</text>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT + 28}" text-anchor="middle">{html.escape(name)}</text>')
    return _svg(LEFT + WIDTH + 20, HEIGHT + 40, parts)


def bars(entries: Sequence[tuple[str, float, str]]) -> str:
    """(name, value, remark) from top to bottom; a value below 0 has no bar."""
    parts = []
    for row, (name, value, remark) in enumerate(entries):
        y = 18 * row
        parts.append(f'<text x="{2 * LEFT - 8}" y="{y + 13}" text-anchor="end">{html.escape(name)}</text>')
        parts.append(
            f'<rect x="{2 * LEFT}" y="{y + 2}" width="{max(0.0, value) * WIDTH:.1f}" height="14" '
            f'fill="{BLUE}"><title>{html.escape(remark)}</title></rect>'
        )
        parts.append(
            f'<text x="{2 * LEFT + 5 + max(0.0, value) * WIDTH:.1f}" y="{y + 13}">{value:.3f}</text>'
        )
    return _svg(2 * LEFT + WIDTH + 60, 18 * len(entries) + 4, parts)


def _axes(below: str) -> list[str]:
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(tick)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eee"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
        if below:
            parts.append(f'<text x="{_x(tick):.1f}" y="{HEIGHT + 26}" text-anchor="middle">{tick:g}</text>')
    if below:
        parts.append(f'<text x="{LEFT + WIDTH / 2}" y="{HEIGHT + 38}" text-anchor="middle">{below}</text>')
    return parts


def _x(share: float) -> float:
    return LEFT + share * WIDTH


def _y(share: float) -> float:
    return 10 + (1 - min(1.0, max(0.0, share))) * HEIGHT


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    inside = "\n".join(parts)
    return f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">{inside}</svg>'

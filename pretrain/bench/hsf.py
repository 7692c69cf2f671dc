"""How faithful and how fast ``hsf`` is, beside openSMILE in one run.

Both need the extra ``stimmung[opensmile]``; the picture needs ``stimmung[report]``.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import soundfile
from stimmung.engine.errors import ConfigError, InputError
from stimmung.engine.types import Floats
from stimmung.plugins.extract.hsf import Hsf
from stimmung.plugins.extract.hsf.names import feature_names
from stimmung.plugins.extract.opensmile import OpenSmile
from stimmung.samples import SPEECH

CORPORA = ("emodb4", "ravdess")
GOOD = 0.99
FAMILIES = {
    "pitch and voicing": ("F0final", "voicingFinalUnclipped"),
    "jitter": ("jitterLocal", "jitterDDP"),
    "shimmer": ("shimmerLocal",),
    "harmonics to noise": ("logHNR",),
    "loudness, energy, zero crossings": ("audspec", "pcm_RMSenergy", "pcm_zcr"),
    "RASTA auditory bands": ("audSpec_Rfilt",),
    "spectrum": ("pcm_fftMag",),
    "cepstrum": ("mfcc",),
}
REASONS = (
    (
        "_lpc",
        "single-precision normal equations of an almost constant contour, which openSMILE solves inexactly",
    ),
    ("_peakMeanRel", "a ratio to a mean of deltas that is zero but for rounding, so its sign is arbitrary"),
    ("", "a threshold met exactly: one frame or one extremum falls on the other side in a few clips"),
)


class Parity(msgspec.Struct, frozen=True):
    """Pearson r and root mean square error in standard deviations of the reference, (6373,) each."""

    names: list[str]
    r: list[float]
    error: list[float]


def clips(corpora: Path, number: int) -> Iterator[tuple[str, Floats]]:
    """``number`` recordings of each corpus, evenly over its list: name and samples at 16 kHz."""
    for corpus in CORPORA:
        listing = corpora / corpus / "corpus.csv"
        if not listing.is_file():
            raise InputError(f"corpus '{listing}' is missing", remedy="name the folder that holds it")
        with listing.open(encoding="utf-8", newline="") as file:
            files = [row["file"] for row in csv.DictReader(file)]
        for index in np.linspace(0, len(files) - 1, min(number, len(files))).round().astype(int):
            samples, _ = soundfile.read(listing.parent / files[index], dtype="float32")
            yield f"{corpus}/{files[index]}", samples


def compare(ours: Floats, theirs: Floats) -> Parity:
    """Feature by feature over clips, (clips, 6373) each; r of a constant feature is 1 where both agree."""
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    error = np.sqrt(((a - b) ** 2).mean(axis=0))
    spread = b.std(axis=0)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((a * a).sum(axis=0) * (b * b).sum(axis=0))
    r = np.where(scale > 0, (a * b).sum(axis=0) / np.where(scale > 0, scale, 1), error == 0)
    relative = error / np.where(spread > 0, spread, 1)
    return Parity(feature_names(), r.tolist(), relative.tolist())


def families(result: Parity) -> list[dict[str, object]]:
    """For each family of contours: number of features, share with r ≥ 0.99, median and least r, error."""
    rows: list[dict[str, object]] = []
    r, error = np.array(result.r), np.array(result.error)
    for family, stems in {**FAMILIES, "all": ("",)}.items():
        chosen = np.array([name.startswith(stems) for name in result.names])
        rows.append(
            {
                "family": family,
                "features": int(chosen.sum()),
                "share": float((r[chosen] >= GOOD).mean()),
                "median_r": float(np.median(r[chosen])),
                "least_r": float(r[chosen].min()),
                "median_error": float(np.median(error[chosen])),
            }
        )
    return rows


def parity(corpora: Path, number: int, out: Path) -> list[dict[str, object]]:
    """Compare ``number`` clips of each corpus; write page, data and picture to ``out``; the families."""
    hsf, smile = Hsf(), OpenSmile()
    ours, theirs = [], []
    for _, samples in clips(corpora, number):
        ours.append(hsf.summarise([hsf.describe(samples)])[0])
        theirs.append(smile.functionals(samples))
    result = compare(np.array(ours), np.array(theirs))
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "clips": len(ours),
        "opensmile": smile.version,
        "hsf": hsf.version,
        "families": (rows := families(result)),
    }
    out.mkdir(parents=True, exist_ok=True)
    features = [
        {"name": name, "r": round(r, 6), "error": round(error, 6)}
        for name, r, error in zip(result.names, result.r, result.error, strict=True)
    ]
    (out / "hsf_parity.json").write_text(json.dumps({**report, "features": features}, indent=0) + "\n")
    (out / "hsf_parity.md").write_text(_page(report, result), encoding="utf-8")
    _picture(result, out / "hsf_parity.png")
    return rows


def _page(report: dict[str, object], result: Parity) -> str:
    rows = families(result)
    lines = [
        "# How close `hsf` is to openSMILE",
        "",
        f"Made on {report['date']} by `stimmung bench hsf-parity`: the 6373 ComParE 2016 functionals of "
        f"{report['clips']} whole clips (as many of emodb4 as of ravdess), `hsf` {report['hsf']} against "
        f"openSMILE {report['opensmile']}. r is Pearson's correlation over the clips; the error is the root "
        "mean square difference in standard deviations of openSMILE's values.",
        "",
        "| family | features | r ≥ 0.99 | median r | least r | median error |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['family']} | {row['features']} | {row['share']:.2%} | {row['median_r']:.6f} | "
        f"{row['least_r']:.3f} | {row['median_error']:.1e} |"
        for row in rows
    ]
    below = [(n, r, e) for n, r, e in zip(result.names, result.r, result.error, strict=True) if r < GOOD]
    lines += [
        "",
        "![Correlation of every feature, by family](hsf_parity.png)",
        "",
        f"## The {len(below)} features below r = 0.99, and why",
        "",
        "| feature | r | error | reason |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{n}` | {r:.3f} | {e:.2f} | {_reason(n)} |" for n, r, e in sorted(below, key=lambda f: f[1])
    ]
    lines += ["", "Every feature is in [hsf_parity.json](hsf_parity.json)."]
    return "\n".join(lines) + "\n"


def _reason(name: str) -> str:
    return next(reason for part, reason in REASONS if part in name)


def _picture(result: Parity, file: Path) -> None:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError("the picture needs matplotlib", remedy="pip install stimmung[report]") from error
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    distance = np.maximum(1 - np.array(result.r), 1e-9)
    for place, stems in enumerate(FAMILIES.values()):
        chosen = np.array([name.startswith(stems) for name in result.names])
        offset = np.random.default_rng(place).uniform(-0.35, 0.35, chosen.sum())
        axes.semilogy(place + offset, distance[chosen], ".", markersize=2, alpha=0.5)
    axes.axhline(1 - GOOD, color="black", linewidth=1, linestyle="--", label="r = 0.99")
    axes.set_xticks(range(len(FAMILIES)), [name.replace(" ", "\n") for name in FAMILIES], fontsize=8)
    axes.set_ylabel("1 - r (lower is closer)")
    axes.set_title("hsf against openSMILE: every functional, by family of contours", fontsize=10)
    axes.legend()
    figure.savefig(file, dpi=120)


def speed(seconds: float, rounds: int, window_s: float = 5.0) -> Iterator[tuple[str, list[float]]]:
    """CPU time of openSMILE over that of ``hsf``, once a round, whole files first, then windows of a stream.

    ``hsf`` describes the stream once in blocks of half a second and summarises every window; openSMILE starts
    afresh with each window. Rounds of the two alternate.
    """
    hsf, smile = Hsf(), OpenSmile()
    speech, _ = soundfile.read(SPEECH, dtype="float32")
    speech = np.resize(speech, round(seconds * hsf.rate))
    length = round(window_s * hsf.rate)
    pieces = np.array_split(speech, max(round(seconds / 5), 1))
    hsf.summarise([hsf.describe(speech[:length])])

    def whole_theirs() -> None:
        for piece in pieces:
            smile.functionals(piece)

    def whole_ours() -> None:
        for piece in pieces:
            hsf.summarise([hsf.describe(piece)])

    yield "whole files", _ratios(whole_theirs, whole_ours, rounds)
    for hop_s in (1.0, 0.5):
        starts = range(0, len(speech) - length + 1, round(hop_s * hsf.rate))
        theirs = partial(_windows_afresh, smile, speech, starts, length)
        ours = partial(_windows, hsf, speech, starts, length)
        yield f"windows of {window_s:g} s every {hop_s:g} s", _ratios(theirs, ours, rounds)


def first_call_s() -> float:
    """CPU seconds that a fresh process takes to import ``hsf`` and to describe and summarise a second."""
    program = (
        "import numpy as np; from stimmung.plugins.extract.hsf import Hsf; hsf = Hsf(); "
        "hsf.summarise([hsf.describe(np.zeros(hsf.rate, np.float32))])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _windows_afresh(smile: OpenSmile, speech: Floats, starts: Sequence[int], length: int) -> None:
    for start in starts:
        smile.functionals(speech[start : start + length])


def _windows(hsf: Hsf, speech: Floats, starts: Sequence[int], length: int, block: int = 8000) -> None:
    """Describe block by block, summarise each window once its last sample is there, drop old rows."""
    rows = np.empty((0, hsf.channels), np.float32)
    first = described = 0
    waiting = list(starts)
    count = (length - hsf.support) // hsf.hop + 1
    for arrived in range(block, len(speech) + block, block):
        stop = (min(arrived, len(speech)) - hsf.support) // hsf.hop + 1
        new = hsf.describe(speech[described * hsf.hop : (stop - 1) * hsf.hop + hsf.support])
        rows, described = np.concatenate([rows, new]), stop
        while waiting and waiting[0] + length <= arrived:
            begin = waiting.pop(0) // hsf.hop - first
            hsf.summarise([rows[begin : begin + count]])
        keep = (waiting[0] // hsf.hop if waiting else described) - first
        rows, first = rows[keep:], first + keep


def _ratios(theirs: Callable[[], None], ours: Callable[[], None], rounds: int) -> list[float]:
    return [_cpu_s(theirs) / _cpu_s(ours) for _ in range(rounds)]


def _cpu_s(work: Callable[[], None]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin

"""How faithful and how fast ``hsf`` is, beside openSMILE in one run.

    python -m stimmung.pretrain.bench_hsf parity ../shared/corpora docs
    python -m stimmung.pretrain.bench_hsf speed

Both need the extra ``stimmung[opensmile]``; the picture needs matplotlib.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
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


def parity(corpora: Path, number: int, out: Path) -> dict[str, object]:
    """Compare ``number`` clips of each corpus; write hsf_parity.md, .json and .png to ``out``."""
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
        "families": families(result),
    }
    out.mkdir(parents=True, exist_ok=True)
    features = [
        {"name": name, "r": round(r, 6), "error": round(error, 6)}
        for name, r, error in zip(result.names, result.r, result.error, strict=True)
    ]
    (out / "hsf_parity.json").write_text(json.dumps({**report, "features": features}, indent=0) + "\n")
    (out / "hsf_parity.md").write_text(_page(report, result), encoding="utf-8")
    _picture(result, out / "hsf_parity.png")
    return report


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
        raise ConfigError("the picture needs matplotlib", remedy="pip install matplotlib") from error
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


def speed(seconds: int = 60, window_s: int = 5, rounds: int = 5) -> dict[str, object]:
    """CPU time of openSMILE over that of ``hsf`` on one core: whole files, and windows every 1 s and 0.5 s.

    ``hsf`` describes the stream once in blocks of half a second and summarises every window; openSMILE starts
    afresh with each window. Rounds of the two alternate; each figure is the median of their ratios.
    """
    hsf, smile = Hsf(), OpenSmile()
    speech, _ = soundfile.read(SPEECH, dtype="float32")
    speech = np.tile(speech, -(-seconds * hsf.rate // len(speech)))[: seconds * hsf.rate]
    length = window_s * hsf.rate
    pieces = np.array_split(speech, max(seconds // 5, 1))
    hsf.summarise([hsf.describe(speech[:length])])
    report: dict[str, object] = {
        "seconds": seconds,
        "files": _ratio(
            lambda: [smile.functionals(piece) for piece in pieces],
            lambda: [hsf.summarise([hsf.describe(piece)]) for piece in pieces],
            rounds,
        ),
    }
    for hop_s in (1.0, 0.5):
        starts = range(0, len(speech) - length + 1, round(hop_s * hsf.rate))
        report[f"windows every {hop_s} s"] = _ratio(
            lambda starts=starts: [smile.functionals(speech[s : s + length]) for s in starts],  # type: ignore[misc]
            lambda starts=starts: _windows(hsf, speech, starts, length),  # type: ignore[misc]
            rounds,
        )
    return report


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


def _ratio(theirs: Callable[[], object], ours: Callable[[], object], rounds: int) -> float:
    return round(statistics.median(_cpu_s(theirs) / _cpu_s(ours) for _ in range(rounds)), 2)


def _cpu_s(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main(arguments: Sequence[str]) -> None:
    """``parity CORPORA OUT [CLIPS]`` or ``speed [SECONDS]``."""
    match list(arguments):
        case ["parity", corpora, out, *number]:
            report = parity(Path(corpora), int(number[0]) if number else 100, Path(out))
        case ["speed", *seconds]:
            report = speed(int(seconds[0]) if seconds else 60)
        case _:
            raise ConfigError("bench_hsf", got=" ".join(arguments), expected=str(main.__doc__))
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

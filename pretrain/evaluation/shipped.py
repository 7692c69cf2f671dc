"""How good a pipeline is on labelled recordings: by themselves, in streams with pauses, mostly neutral."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from stimmung.engine.config.schema import PipelineConfig, load_description
from stimmung.engine.errors import ConfigError, InputError, nearest
from stimmung.engine.types import Bools
from stimmung.plugins.transcribe.corpus_table import read_table

from ..corpora.corpus import CSV, Corpus, Item, Labels, NoLabelError, read_corpus
from ..features.extraction import Progress
from ..statistics.bootstrap import Doubles
from ..statistics.live_figures import FIGURES, LiveFigures, with_intervals
from ..statistics.metrics import Ints
from ..training.dataset import silent
from ..versions import versions
from .live_answers import Answers, StreamRunner, play_all, recording_probabilities, recordings_beyond
from .live_streams import NEUTRAL, Condition, Plan, conditions, lengths, plans

REPORT, PREDICTIONS = "report.json", "predictions.csv"
READ = "read"  # the condition of read speech, whose corpus has no labels of emotion
SUBSET, TEST = "subset", "test-other"  # of read speech, whose other speakers may be trained on
PAUSE_S = 5.0
Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Known(Labels):
    """Labels that leave out all that a model does not know, and count it."""

    left_out: Counter[str] = field(default_factory=Counter)

    def of(self, found: str, target: str, where: str) -> str | None:
        """The label as the model calls it, None to leave it out."""
        label = Labels.of(self, found, target, where)
        if label is None:
            self.left_out[found] += 1
        return label


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one condition of one corpus: one row per recording and stream.

    ``item`` (n,) are positions in ``corpus``, ``probabilities`` (n, labels) are NaN without an answer.
    ``beyond`` (n,): the answer is unsure because the speech is unlike the training data.
    """

    condition: Condition
    corpus: Corpus
    plans: Sequence[Plan]
    item: Ints
    probabilities: Doubles
    faults: int
    beyond: Bools

    @classmethod
    def of(
        cls,
        condition: Condition,
        corpus: Corpus,
        plans: Sequence[Plan],
        answers: Sequence[Answers],
        unsure_beyond: float | None = None,
    ) -> Heard:
        """The answers of each stream shared out among its recordings; ``unsure_beyond`` is the pipeline's."""
        each = list(zip(answers, plans, strict=True))
        return cls(
            condition,
            corpus,
            plans,
            np.array([place.item for plan in plans for place in plan.places]),
            np.concatenate([recording_probabilities(own, plan.places) for own, plan in each]),
            sum(one.faults for one in answers),
            np.concatenate([recordings_beyond(own, plan.places, unsure_beyond) for own, plan in each]),
        )

    def figures(self, labels: Sequence[str], unsure_below: float) -> LiveFigures:
        """How good the answers are."""
        items = [self.corpus.items[at] for at in self.item]
        return figures_of(items, self.probabilities, labels, unsure_below, beyond=self.beyond)

    def report(self, labels: Sequence[str], unsure_below: float) -> Report:
        """The figures as a report holds them."""
        return {
            **self.figures(labels, unsure_below).figures(),
            "faults": self.faults,
            "pause_s": self.condition.pause_s,
            "draws": self.condition.draws,
        }


def figures_of(
    items: Sequence[Item],
    probabilities: Doubles,
    labels: Sequence[str],
    unsure_below: float,
    seed: int = 0,
    beyond: Bools | None = None,
) -> LiveFigures:
    """How good probabilities of recordings are, (n, labels), NaN for one without an answer.

    ``beyond`` (n,): those that are unlike the training data, so that the answer is unsure.
    """
    return LiveFigures(
        labels,
        NEUTRAL if NEUTRAL in labels else None,
        np.array([labels.index(item.label) for item in items]),
        probabilities,
        [item.speaker for item in items],
        unsure_below=unsure_below,
        beyond=beyond,
        seed=seed,
    )


def by_corpus(
    items: Sequence[Item], probabilities: Doubles, labels: Sequence[str], unsure_below: float
) -> Report:
    """The same of each of several corpora, and the mean over them; nothing of one alone."""
    of = np.array([item.corpus for item in items])
    names = [*dict.fromkeys(map(str, of))]
    if len(names) < 2:
        return {}
    each = {
        name: figures_of(
            [item for item in items if item.corpus == name], probabilities[of == name], labels, unsure_below
        )
        for name in names
    }
    return {
        "per_corpus": {name: figures.figures() for name, figures in each.items()},
        "mean_of_corpora": mean_figures([*each.values()]),
    }


def evaluate_pipeline(
    pipeline: str,
    corpora: Sequence[Path],
    out: Path,
    progress: Progress | None = None,
    *,
    target: str | None = None,
    aliases: Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    pause_s: float = PAUSE_S,
    read_speech: Path | None = None,
    jobs: int = 1,
) -> Report:
    """How good a pipeline is on corpora, also written to ``out/report.json`` with a page and pictures.

    ``pipeline`` is a shipped one's name or the path of a TOML file, played as it is configured. ``aliases``
    give the corpora's own names for labels, ``columns`` their own names for columns, as in
    ``{"file": "FileName"}``; recordings with labels that the model does not know are left out and counted.
    ``pause_s``: seconds of room noise between recordings. ``read_speech`` is a corpus.csv of
    people who read aloud; all count as neutral, and if it has a column ``subset``, test-other is used.
    ``jobs`` processes play streams. ``out/predictions.csv`` holds every answer.
    Raises ConfigError or InputError.
    """
    from ..reports.live_html import write_report  # matplotlib takes a second to import

    step = progress or silent
    description = load_description(pipeline)
    heard: list[Heard] = []
    with StreamRunner(description, target) as runner:
        per_corpus: dict[str, Report] = {}
        for path in corpora:
            corpus, left_out = read_known(path, runner, aliases or {}, columns)
            if corpus.name in per_corpus:
                raise ConfigError(
                    f"two corpora are called '{corpus.name}'", remedy="rename the folder of one"
                )
            has_neutral = any(item.label == NEUTRAL for item in corpus.items)
            asked = conditions(pause_s, neutral=has_neutral)
            own = list(hear(runner, corpus, asked, jobs, step))
            per_corpus[corpus.name] = {"left_out": dict(left_out), **_figures(own, runner, description)}
            heard += own
        read = None
        if read_speech is not None and NEUTRAL in runner.labels:
            condition = Condition(READ, pause_s)
            (read,) = hear(runner, read_aloud(read_speech), [condition], jobs, step)
        report = {
            **_circumstances(pipeline, description, runner, pause_s),
            **_joined(per_corpus, heard, runner, description),
            **({} if read is None else _figures([read], runner, description)),
        }
        table = [row for one in [*heard, *filter(None, [read])] for row in _listed(one, runner, description)]
    write(out, report, table)
    write_report(report, out)
    return report


def write(out: Path, report: Report, table: Sequence[Mapping[str, Any]]) -> None:
    """``out/report.json`` and ``out/predictions.csv``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / REPORT).write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    with (out / PREDICTIONS).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


def read_known(
    path: Path,
    runner: StreamRunner,
    aliases: Mapping[str, str],
    columns: Mapping[str, str] | None = None,
) -> tuple[Corpus, Counter[str]]:
    """(the recordings of a corpus with labels that the model knows, how many have which others).

    Raises ConfigError for an alias of no label, InputError for a corpus without any label that is known.
    """
    for alias, label in aliases.items():
        if label not in runner.labels:
            raise ConfigError(
                f"'{alias}' is to stand for '{label}', which the model does not know",
                expected=f"one of {', '.join(runner.labels)}",
                remedy=nearest(label, runner.labels),
            )
    wanted = Known(runner.labels, aliases, True)
    try:
        return read_corpus(path, runner.target, wanted, columns=columns), wanted.left_out
    except NoLabelError:
        if not wanted.left_out:
            raise
        found = ", ".join(sorted(wanted.left_out))
        raise InputError(
            f"corpus '{path}' has no {runner.target} that the model knows",
            got=found,
            expected=", ".join(runner.labels),
            remedy=f"name what is the same: --alias {min(wanted.left_out)}={runner.labels[0]}",
        ) from None


def read_aloud(path: Path) -> Corpus:
    """Read speech, all of it neutral: the subset test-other where there are subsets."""
    listed = path / CSV if path.is_dir() else path
    where = {SUBSET: TEST} if SUBSET in read_table(listed).columns else {}
    corpus = read_corpus(listed, "speaker", _Anything(), where)
    return replace(corpus, items=tuple(replace(item, label=NEUTRAL) for item in corpus.items))


def hear(
    runner: StreamRunner, corpus: Corpus, asked: Sequence[Condition], jobs: int, progress: Progress
) -> Iterator[Heard]:
    """What the pipeline answers to a corpus in each condition."""
    rate = runner.host.description.stream.rate
    samples = lengths(corpus, rate, progress)
    for condition in asked:
        streams = plans(corpus, samples, rate, condition)
        what = f"{corpus.name}, {condition.name}"
        answers = list(play_all(runner, corpus, streams, jobs, progress, what))
        limit = runner.host.description.vote.unsure_beyond
        yield Heard.of(condition, corpus, streams, answers, limit)


class _Anything(Labels):
    def __init__(self) -> None:
        super().__init__(())

    def of(self, found: str, target: str, where: str) -> str | None:
        return found


def _figures(heard: Sequence[Heard], runner: StreamRunner, description: PipelineConfig) -> Report:
    """Of each condition."""
    return {one.condition.name: one.report(runner.labels, description.vote.unsure_below) for one in heard}


def _joined(
    per_corpus: Mapping[str, Report],
    heard: Sequence[Heard],
    runner: StreamRunner,
    description: PipelineConfig,
) -> Report:
    """The one corpus, or each and the mean of their figures; its intervals draw speakers within corpora."""
    if len(per_corpus) == 1:
        ((name, report),) = per_corpus.items()
        return {"corpus": name, **report}
    mean: Report = {}
    for name in dict.fromkeys(one.condition.name for one in heard):
        mean[name] = mean_figures(
            [
                one.figures(runner.labels, description.vote.unsure_below)
                for one in heard
                if one.condition.name == name
            ]
        )
    return {"corpus": ", ".join(per_corpus), **mean, "per_corpus": dict(per_corpus)}


def mean_figures(found: Sequence[LiveFigures]) -> Report:
    """The mean of each figure over corpora; its interval draws speakers within corpora."""
    drawn = [one.resamples() for one in found]
    several = [one for one in drawn if one is not None]
    return {
        "n": sum(len(one.true) for one in found),
        "corpora": len(found),
        **with_intervals(
            _mean([one.values() for one in found]), _mean(several) if len(several) == len(drawn) else None
        ),
    }


def _mean(each: Sequence[Doubles]) -> Doubles:
    """Over corpora; a figure that one of them lacks is the mean of the others."""
    stacked = np.stack(each)
    known = ~np.isnan(stacked)
    total = np.where(known, stacked, 0).sum(axis=0)
    mean: Doubles = np.divide(
        total, known.sum(axis=0), out=np.full(total.shape, np.nan), where=known.any(axis=0)
    )
    return mean


def _listed(heard: Heard, runner: StreamRunner, description: PipelineConfig) -> Iterator[dict[str, Any]]:
    """One row for each recording in each stream."""
    answers = heard.figures(runner.labels, description.vote.unsure_below).answers
    rate, row = description.stream.rate, 0
    for plan in heard.plans:
        for place in plan.places:
            item = heard.corpus.items[place.item]
            given = heard.probabilities[row]
            yield {
                "corpus": heard.corpus.name,
                "condition": heard.condition.name,
                "draw": plan.draw,
                "stream": plan.name,
                "file": f"{item.file.name}" + (f"@{item.start_s:g}" if item.start_s or item.stop_s else ""),
                "speaker": item.speaker,
                "start_s": round(place.start / rate, 3),
                "stop_s": round(place.stop / rate, 3),
                "true": item.label,
                "answer": answers[row],
                **{
                    f"p_{label}": "" if np.isnan(p) else round(float(p), 6)
                    for label, p in zip(runner.labels, given, strict=True)
                },
            }
            row += 1


def _circumstances(
    pipeline: str, description: PipelineConfig, runner: StreamRunner, pause_s: float
) -> Report:
    return {
        "pipeline": pipeline,
        "target": runner.target,
        "labels": list(runner.labels),
        "figures": list(FIGURES),
        "unsure_below": description.vote.unsure_below,
        "unsure_beyond": description.vote.unsure_beyond,
        "pause_s": pause_s,
        "config": msgspec.to_builtins(description),
        "versions": versions(),
    }

"""The first paper's experiments, on corpora that anybody can have: everything behind its page of figures.

Embedded Emotions (Schiller et al. 2020). SampleCNN and DeepSpectrum hear EmoDB, one speaker left out at a
time; SentenceBert and LiFE read EmoBank, and SentenceBert reads XED beside a baseline of character n-grams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from stimmung.engine.config.schema import PluginTable
from stimmung.engine.models.cards import Card, find_model, load_card
from stimmung.plugins.extract.bert import ENGLISH, GERMAN, Bert

from ...corpora.targets import Targets
from ...corpora.text_corpora import Sentences, read_emobank, read_xed
from ...encoders.life import compress_all, save_compressor, token_vectors, train_compressor
from ...recipes.recipe import About
from .grid_search import GridSearch, Machine, Samples, Split, machine, sweep
from .narratives import audio_rows, audio_samples, leave_one_out

Progress = Callable[[int, int, str], None]
TARGETS = ("arousal", "valence")
WINDOW_S = 2.0
LIFE = "life_emobank_{target}"
EMOBANK = About(
    corpus="EmoBank: English sentences from news, blogs, fiction, letters, essays and travel guides",
    citation="S. Buechel, U. Hahn: EmoBank. EACL 2017",
    corpus_licence="CC BY-SA 4.0",
    licence="MIT; attribute EmoBank (CC BY-SA 4.0) as the data it was trained on",
    intended_use="Features of English sentences for its target, for research and demonstration.",
    limits="Written English rated by readers: speech as it is transcribed is another matter.",
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the report is made with: ``corpora`` is their folder, the others are models."""

    corpora: Path
    out: Path
    sample_cnn: str = "sample_cnn"
    english: str = ENGLISH
    german: str = GERMAN


@dataclass(frozen=True, slots=True)
class Result:
    """One system on one corpus and target."""

    system: str
    corpus: str
    target: str
    swept: GridSearch


@dataclass(frozen=True, slots=True)
class Findings:
    """All results, and the card of the pretrained network with its accuracy."""

    options: Options
    pretrained: Card
    results: list[Result]

    def of(self, system: str, target: str, corpus: str = "") -> Result:
        """The result of a system, on whichever corpus it was judged if none is named."""
        return next(
            result
            for result in self.results
            if (result.system, result.target) == (system, target) and corpus in ("", result.corpus)
        )


def run(options: Options, progress: Progress) -> Findings:
    """Every experiment; also leaves LiFE's trained networks as model folders in ``options.out``."""
    targets = Targets()
    # Opened first: weights that are not there are said so before minutes were spent.
    berts = {"en": Bert(options.english), "de": Bert(options.german)}
    results = [
        *_heard(options, targets, progress),
        *_emobank(options, berts["en"], progress),
        *_xed(options, targets, berts, progress),
    ]
    return Findings(options, load_card(find_model(options.sample_cnn)), results)


def _heard(options: Options, targets: Targets, progress: Progress) -> Iterator[Result]:
    folder = options.corpora / "emodb4"
    plugins = [
        PluginTable(plugin="sample_cnn", name="SampleCNN", options={"model": options.sample_cnn}),
        PluginTable(plugin="deep_spectrum", name="DeepSpectrum"),
    ]
    read = {target: targets.read(folder, target) for target in TARGETS}
    rows = audio_rows(read["arousal"][0], plugins, WINDOW_S, progress)
    for target, (corpus, labels) in read.items():
        for which, plugin in enumerate(plugins):
            samples = audio_samples(corpus, labels, rows, which)
            yield Result(
                plugin.name, "EmoDB", target, sweep(samples, leave_one_out(samples), progress=progress)
            )


def _emobank(options: Options, bert: Bert, progress: Progress) -> Iterator[Result]:
    corpora = {target: read_emobank(options.corpora / "emobank", target) for target in TARGETS}
    texts = corpora["valence"].texts
    progress(0, len(texts), "EmoBank through BERT")
    sentences, tokens = bert.encode(texts), token_vectors(bert, texts)
    for target, corpus in corpora.items():
        yield Result("SentenceBert", corpus.name, target, _read(corpus, sentences, machine, progress))
        yield baseline(corpus, target, progress)
        known = [at for at, part in enumerate(corpus.parts) if part == "train"]
        truth = [corpus.labels.index(corpus.truth[at]) for at in known]
        network = train_compressor([tokens[at] for at in known], truth, len(corpus.labels), progress=progress)
        result = Result(
            "LiFE", corpus.name, target, _read(corpus, compress_all(network, tokens), machine, progress)
        )
        figures: dict[str, float | list[float]] = {
            "uar": round(result.swept.test.before, 4),
            "uar_ci95": [round(bound, 4) for bound in result.swept.test.before_ci95],
        }
        folder = options.out / LIFE.format(target=target)
        save_compressor(network, options.english, corpus, target, figures, EMOBANK, folder)
        yield result


def _xed(options: Options, targets: Targets, berts: dict[str, Bert], progress: Progress) -> Iterator[Result]:
    for language, bert in berts.items():
        corpus = read_xed(options.corpora / "xed", language, targets)
        progress(0, len(corpus.texts), f"{corpus.name} through BERT")
        yield Result(
            "SentenceBert",
            corpus.name,
            "valence",
            _read(corpus, bert.encode(corpus.texts), machine, progress),
        )
        yield baseline(corpus, "valence", progress)


def baseline(corpus: Sentences, target: str, progress: Progress) -> Result:
    """Character n-grams within words, 2 to 5 long, weighted by tf-idf; then the same linear machine."""
    return Result(
        "n-grams", corpus.name, target, _read(corpus, np.array(corpus.texts, dtype=object), _ngrams, progress)
    )


def _ngrams(cost: float) -> Any:
    ngrams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    return make_pipeline(ngrams, LinearSVC(C=cost, class_weight="balanced", random_state=0))


def _read(corpus: Sentences, features: Any, build: Machine, progress: Progress) -> GridSearch:
    parts, documents = np.array(corpus.parts), np.array(corpus.documents)
    truth = np.array([corpus.labels.index(label) for label in corpus.truth])
    samples = Samples(corpus.labels, features, truth, narratives=documents, clusters=documents)
    split: Sequence[Split] = [Split(parts == "train", parts == "dev", parts == "test")]
    return sweep(samples, split, build, progress=progress)

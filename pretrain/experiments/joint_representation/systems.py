"""Which systems are compared on which corpora, and in which order their folds are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType
from stimmung import configs

from ...corpora.corpus import Corpus, read_corpus
from ...evaluation.folds import Fold, corpus_folds
from ...recipes.joint_recipe import JointRecipe
from ...recipes.loading import read_recipe
from ...recipes.recipe import Recipe

CONFIGS = Path(next(iter(configs.__path__)))


@dataclass(frozen=True, slots=True)
class Bench:
    """A corpus and how it is tested: whole recordings, and windows of ``windows_s`` beside them.

    Networks without a recipe of their own for it are trained on windows of ``trained_s``, and recordings
    trimmed to ``trim_s`` around their speech, where it says so. No setting of HSF-CRNN was chosen
    by the test speakers of the fold ``unseen``, if there is one.
    """

    name: str
    folder: str
    labels: tuple[str, ...]
    protocol: str
    windows_s: tuple[float, ...]
    trained_s: tuple[float, ...]
    trim_s: float | UnsetType = UNSET
    unseen: str = ""

    def read(self, corpora: Path) -> Corpus:
        """Its recordings; raises InputError where they are not below ``corpora``."""
        return read_corpus(corpora / self.folder, "emotion", self.labels)

    def folds(self, corpus: Corpus) -> Sequence[Fold]:
        """Who is trained on and who is tested."""
        return corpus_folds(self.protocol, corpus)


EMODB = Bench(
    "EmoDB", "emodb4", ("anger", "happiness", "neutral", "sadness"), "loso", (0.5, 1, 2, 3, 5), (1, 2, 3)
)
RAVDESS = Bench(
    "RAVDESS",
    "ravdess",
    ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
    f"folds:{CONFIGS / 'ravdess_folds.toml'}",
    (1, 2, 3),
    (),
    0.1,  # a second of silence lies before and after what is said
    "1",
)
BENCHES = (EMODB, RAVDESS)


@dataclass(frozen=True, slots=True)
class System:
    """A recipe, and ``own`` ones of corpora by their name; ``seeds`` are as many as make a difference.

    With ``stream`` the inputs beside the trained one are normalised by what has been heard of the speaker.
    """

    name: str
    recipe: str
    own: tuple[tuple[str, str], ...] = ()
    seeds: int = 3
    stream: bool = False

    def on(self, bench: Bench, seed: int) -> Recipe:
        """What is trained there: without an own recipe EmoDB's, with the labels and windows of the corpus."""
        own = dict(self.own).get(bench.name)
        recipe = read_recipe(CONFIGS / (own or self.recipe))
        if own is None and bench != EMODB:
            given = {"labels": list(bench.labels), "windows_s": list(bench.trained_s), "trim_s": bench.trim_s}
            recipe = msgspec.structs.replace(recipe, **given)
        if self.stream:
            recipe = msgspec.structs.replace(recipe, normalise="stream")
        if isinstance(recipe, JointRecipe):
            training = msgspec.structs.replace(recipe.training, seed=seed)
            return msgspec.structs.replace(recipe, training=training)
        return recipe


PLAIN = System("plain CRNN", "crnn.toml")
MULTI = System("multi-CRNN", "multi_crnn.toml")
JOINT = System("HSF-CRNN", "hsf_crnn.toml", (("RAVDESS", "ravdess_hsf_crnn.toml"),))
JOINT_STREAM = System("HSF-CRNN, stream", JOINT.recipe, JOINT.own, stream=True)
RAW = System("end-to-end", "e2e_cnn_lstm.toml")
# The machine's only optimum is found whatever the seed.
LINEAR = System("HSF + SVM", "emotion_hsf_svm.toml", (("RAVDESS", "ravdess_hsf_svm.toml"),), seeds=1)
LINEAR_STREAM = System(
    "HSF + SVM, stream",
    "emotion_hsf_svm_stream.toml",
    (("RAVDESS", "ravdess_hsf_svm_stream.toml"),),
    seeds=1,
)
SYSTEMS = (PLAIN, MULTI, JOINT, JOINT_STREAM, RAW, LINEAR, LINEAR_STREAM)
FIRST = (JOINT, JOINT_STREAM, LINEAR, LINEAR_STREAM, PLAIN, MULTI, RAW)  # to be computed


@dataclass(frozen=True, slots=True)
class Run:
    """All folds of a system on a corpus with one seed."""

    system: System
    bench: Bench
    seed: int

    @property
    def rank(self) -> tuple[int, bool, int, int]:
        """What is computed first: HSF-CRNN on EmoDB, then one seed of everything, then the others."""
        early = self.system == JOINT and self.bench == EMODB
        return (
            -1 if early else self.seed,
            self.system != JOINT,
            BENCHES.index(self.bench),
            FIRST.index(self.system),
        )


def plan(seeds: int) -> list[Run]:
    """Every run with as many seeds, in the order they are computed in."""
    return sorted(_runs(seeds), key=lambda run: run.rank)


def _runs(seeds: int) -> Iterator[Run]:
    for bench in BENCHES:
        for system in SYSTEMS:
            yield from (Run(system, bench, seed) for seed in range(min(seeds, system.seeds)))

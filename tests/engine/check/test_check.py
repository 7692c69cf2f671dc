"""The conformance suite finds each broken promise and says what to change."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pytest
from stimmung.engine.check import checks, examine, examine_class
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import Feed, Input
from stimmung.engine.registry import Role, installed, origin
from stimmung.engine.types import Chunk, Sentence, Word
from stimmung.engine.types import Words as Understood

BUILT_IN = [name for name, entry in installed().items() if origin(entry).startswith("stimmung ")]


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_plugin_keeps_its_contract(name: str) -> None:
    assert [f"{found.check}: {found.error}" for found in examine(name, timed=False) if found.error] == []


@pytest.mark.parametrize(
    "name", ["acme-level", "acme-loudness", "acme-block", "acme-loud", "acme-far", "acme-speaker"]
)
def test_a_sound_outside_plugin_passes(name: str) -> None:
    findings = list(examine(name))
    assert len(findings) > 2
    assert [found for found in findings if found.error or found.skipped] == []


class Sound:
    name, version, rate, dim = "sound", "1", 16000, 1

    def extract(self, segments):  # type: ignore[no-untyped-def]
        return np.array([[self.one(np.array(s.samples))] for s in segments], np.float32)

    def one(self, samples):  # type: ignore[no-untyped-def]
        return np.abs(samples).mean()


class WrongShape(Sound):
    dim = 2


class Doubles(Sound):
    def extract(self, segments):  # type: ignore[no-untyped-def]
        return super().extract(segments).astype(np.float64)


class Lists(Sound):
    def extract(self, segments):  # type: ignore[no-untyped-def]
        return super().extract(segments).tolist()


class Remembers(Sound):
    calls = 0

    def one(self, samples):  # type: ignore[no-untyped-def]
        self.calls += 1
        return self.calls


class Unseeded(Sound):
    def __init__(self) -> None:
        self.weight = np.random.default_rng().normal()

    def one(self, samples):  # type: ignore[no-untyped-def]
        return self.weight * np.abs(samples).mean()


class OverTheBatch(Sound):
    def extract(self, segments):  # type: ignore[no-untyped-def]
        values = super().extract(segments)
        return values - values.mean() + 1


class Writes(Sound):
    def extract(self, segments):  # type: ignore[no-untyped-def]
        for segment in segments:
            segment.samples *= 0.5
        return np.zeros((len(segments), 1), np.float32)


class WritesWhereItCan(Sound):
    def extract(self, segments):  # type: ignore[no-untyped-def]
        for segment in segments:
            if segment.samples.flags.writeable:
                segment.samples[:] = 0
        return np.zeros((len(segments), 1), np.float32)


class LogOfSilence(Sound):
    def one(self, samples):  # type: ignore[no-untyped-def]
        with np.errstate(divide="ignore"):
            return np.log(np.abs(samples).max())


class NeedsASecond(Sound):
    def one(self, samples):  # type: ignore[no-untyped-def]
        return samples[self.rate - 1]


class Pickles(Sound):
    def one(self, samples):  # type: ignore[no-untyped-def]
        return pickle.loads(pickle.dumps(float(samples[0])))  # noqa: S301


class Frames:
    name, version, rate, dim, channels, hop, support = "frames", "1", 16000, 1, 1, 160, 400

    def describe(self, samples):  # type: ignore[no-untyped-def]
        if len(samples) < self.support:
            return np.empty((0, 1), np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(samples, self.support)[:: self.hop]
        return self.rows(frames, samples).astype(np.float32)

    def rows(self, frames, samples):  # type: ignore[no-untyped-def]
        return np.abs(frames).max(axis=1, keepdims=True)

    def summarise(self, rows):  # type: ignore[no-untyped-def]
        return np.array([one.mean(axis=0) for one in rows], np.float32)


class NormalisesTheBlock(Frames):
    def rows(self, frames, samples):  # type: ignore[no-untyped-def]
        return np.abs(frames).max(axis=1, keepdims=True) / (np.abs(samples).max() + 1e-9)


class SeesTheWhole(Frames):
    def rows(self, frames, samples):  # type: ignore[no-untyped-def]
        return np.abs(frames).max(axis=1, keepdims=True) + samples[-1]


class TooManyRows(Frames):
    def rows(self, frames, samples):  # type: ignore[no-untyped-def]
        return np.vstack([super().rows(frames, samples), [[0.0]]])


class NothingOfTheShort(Frames):
    shortest = 100


class Words:
    name, version, dim = "words", "1", 1

    def encode(self, sentences):  # type: ignore[no-untyped-def]
        longest = max(map(len, sentences))
        return np.array([[longest] for _ in sentences], np.float32)


class Counts(Words):
    def encode(self, sentences):  # type: ignore[no-untyped-def]
        return np.array([[len(sentence)] for sentence in sentences], np.float32)


class NoProbabilities:
    name, rate, target, labels = "scores", 16000, "arousal", ("low", "high")
    inputs = (Input("sound", 1),)

    def predict(self, features):  # type: ignore[no-untyped-def]
        return np.hstack([features[0], -features[0]]).astype(np.float32)


class Halves(NoProbabilities):
    def predict(self, features):  # type: ignore[no-untyped-def]
        return np.full((len(features[0]), 2), 0.5, np.float32)


class Ranks(NoProbabilities):
    def predict(self, features):  # type: ignore[no-untyped-def]
        rank = np.argsort(np.argsort(features[0], axis=0), axis=0) / len(features[0])
        return np.hstack([rank, 1 - rank]).astype(np.float32)


class Twins(Ranks):
    labels = ("low", "low")


class Nearness(Halves):
    def training_distance(self, features):  # type: ignore[no-untyped-def]
        return -np.ones(len(features[0]), np.float32)


class FarthestOfTheBatch(Halves):
    def training_distance(self, features):  # type: ignore[no-untyped-def]
        return np.abs(features[0] / (np.abs(features[0]).max() + 1)).astype(np.float32)[:, 0]


class OneForAll(Halves):
    def training_distance(self, features):  # type: ignore[no-untyped-def]
        return np.float32(1.0)


class Measures(Halves):
    def training_distance(self, features):  # type: ignore[no-untyped-def]
        return np.abs(features[0][:, 0])


class Forgets:
    name, rate, hop = "forgets", 16000, 160

    def detect(self, samples):  # type: ignore[no-untyped-def]
        return np.abs(samples).reshape(-1, self.hop).max(axis=1) > np.abs(samples).mean()


class Hears(Forgets):
    def detect(self, samples):  # type: ignore[no-untyped-def]
        return np.abs(samples).reshape(-1, self.hop).max(axis=1) > 0.01


class Numbers(Forgets):
    def detect(self, samples):  # type: ignore[no-untyped-def]
        return np.zeros(len(samples) // self.hop)


class Hasty:
    name, rate = "hasty", 16000

    def __init__(self, origin: object) -> None:
        pass

    def hear(self, start, samples):  # type: ignore[no-untyped-def]
        return [Sentence(start, start + len(samples) + 1, "too soon")]

    def finish(self):  # type: ignore[no-untyped-def]
        return []


class Silent(Hasty):
    def hear(self, start, samples):  # type: ignore[no-untyped-def]
        return []


class TakesBack(Silent):
    def words(self):  # type: ignore[no-untyped-def]
        return Understood((Word(0, 800, "again", 1.0),), (), watermark=800)


class ByTheChunk(Hasty):
    def hear(self, start, samples):  # type: ignore[no-untyped-def]
        return [Sentence(start, start + len(samples), "a chunk")]


class Mono:
    name = "mono"
    example: ClassVar = {"spec": "anything"}

    def __init__(self, spec: str) -> None:
        pass

    def feeds(self):  # type: ignore[no-untyped-def]
        yield Feed("a", iter([Chunk(np.zeros(5, np.float32), 16000)]))


class RaisesAnything(Mono):
    def __init__(self, spec: str) -> None:
        if "nobody" in spec:
            raise OSError("errno 2")

    def feeds(self):  # type: ignore[no-untyped-def]
        yield Feed("a", iter([Chunk(np.zeros((5, 1), np.float32), 16000)]))


class Shouts:
    name = "shouts"

    def write(self, event):  # type: ignore[no-untyped-def]
        event.label.upper()

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("role", "kind", "words"),
    [
        ("extractor", WrongShape, "a wrong shape for speech, got (1, 1), expected (1, 2); correct what the"),
        ("extractor", Doubles, "got float64, expected float32; end with .astype(np.float32)"),
        ("extractor", Lists, "extract returned no array for speech, got list"),
        ("extractor", Remembers, "the same segment gave other numbers the second time; keep nothing"),
        ("extractor", Unseeded, "a second instance with the same options gives other numbers; seed"),
        ("extractor", OverTheBatch, "several segments at once give other numbers than one by one"),
        ("extractor", Writes, "read-only; its input belongs to the engine: work on a copy"),
        ("extractor", WritesWhereItCan, "writes to its input; work on a copy"),
        ("extractor", LogOfSilence, "NaN or infinite numbers for silence, expected finite"),
        ("extractor", NeedsASecond, "extract failed, got IndexError"),
        ("extractor", Pickles, "it reads or writes pickle; keep weights in safetensors"),
        ("extractor", NormalisesTheBlock, "blocks of 1 rows give other rows than the whole"),
        ("extractor", SeesTheWhole, "row 0 depends on audio outside [0, 400)"),
        ("extractor", NothingOfTheShort, "describe returned a wrong shape for 100 samples, got (0, 1)"),
        ("extractor", TooManyRows, "describe returned a wrong shape for 400 samples, got (2, 1)"),
        ("extractor", Words, "sentences together give other numbers than one by one"),
        ("classifier", NoProbabilities, "predict returned no probabilities for zeros"),
        (
            "classifier",
            Ranks,
            "a batch gives other numbers than one by one, got a difference of 0.75; treat each row",
        ),
        ("classifier", Nearness, "training_distance returned no distances for zeros, got [-1. -1. -1. -1.]"),
        ("classifier", FarthestOfTheBatch, "a batch gives other distances than one by one"),
        ("classifier", OneForAll, "training_distance returned no array for zeros, got float32"),
        ("classifier", Twins, "its labels cannot be voted on, got ('low', 'low')"),
        ("detector", Forgets, "audio in pieces of 1 hops gives other flags than the whole"),
        ("detector", Numbers, "got float64 (20,), expected bool (20,)"),
        ("transcriber", Hasty, "it returned a sentence out of place"),
        ("transcriber", TakesBack, "it settled a word out of place, got Word(start=0, stop=800"),
        ("transcriber", ByTheChunk, "audio in chunks of 4000 samples gives other sentences"),
        ("source", Mono, "got float32 (5,), expected Chunk(float32 (n, channels), rate); reshape"),
        ("source", RaisesAnything, "__init__ failed, got OSError: errno 2"),
        ("sink", Shouts, "write of a EmotionState (no_speech) failed, got AttributeError"),
    ],
)
def test_each_broken_promise_is_found_and_the_remedy_named(role: Role, kind: type[Any], words: str) -> None:
    errors = [found.error for found in examine_class(kind.__name__, role, kind) if found.error]
    assert any(words in error for error in errors), errors
    assert all(error.startswith(f"plugin '{kind.__name__}': ") and "\n" not in error for error in errors)
    assert all("; " in error for error in errors)


@pytest.mark.parametrize(
    ("role", "kind", "remedy"),
    [
        ("extractor", Sound, "split it into describe and summarise"),
        ("extractor", Frames, "split it into describe and summarise"),
        ("extractor", Counts, "choose a smaller model"),
        ("classifier", Halves, "fewer support vectors"),
        ("classifier", Measures, "fewer support vectors"),
        ("detector", Hears, "longer hops"),
        ("transcriber", Silent, "load it once"),
    ],
)
def test_a_plugin_slower_than_its_budget_is_told_how_to_be_faster(
    role: Role, kind: type[Any], remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [found.error for found in examine_class("quick", role, kind) if found.error] == []
    monkeypatch.setattr("stimmung.engine.check.budget.BUDGET", -1.0)
    (error,) = [found.error for found in examine_class("slow", role, kind) if found.error]
    assert "it would fall behind live speech" in error
    assert remedy in error
    assert all(not found.error for found in examine_class("slow", role, kind, timed=False))


def test_what_cannot_be_built_here_is_said_and_is_no_failure() -> None:
    class Elsewhere(Sound):
        def __init__(self) -> None:
            raise ConfigError("no licence for 'elsewhere'", remedy="buy one")

    (found,) = examine_class("elsewhere", "extractor", Elsewhere)
    assert (found.error, found.skipped) == ("", "no licence for 'elsewhere'; buy one")


def test_a_source_without_an_example_is_not_opened() -> None:
    class Live:
        name = "live"

    (found,) = examine_class("live", "source", Live)
    assert "a source is opened only as its class says" in found.skipped


def test_every_check_has_a_name_of_its_own() -> None:
    for role, kind in (("extractor", Sound), ("extractor", Frames), ("extractor", Words), ("sink", Shouts)):
        names = [check.name for check in checks(role, kind)]  # type: ignore[arg-type]
        assert len(names) == len(set(names)) > 1

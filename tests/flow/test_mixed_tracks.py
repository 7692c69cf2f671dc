"""A classifier of windows and sentences: each window gets the words that were said as it ended, or none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from acme_speech.loudness import Loudness
from acme_speech.mood import Mood
from acme_speech.spelling import Spelling
from stimmung.engine.batch.replayer import feeds, replay_feed
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.plugin import Transcriber
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.runtime.live import Live
from stimmung.engine.streaming.observer import Observer
from stimmung.engine.streaming.pipeline import Pipeline
from stimmung.engine.streaming.stream import Intake, Stream
from stimmung.engine.streaming.validation import targets
from stimmung.engine.types import Chunk, EmotionState, Fault, Floats, Output, Prediction, Sentence, Span
from support import RATE, acme, captions, cut, every, syllables

SPEECH = syllables(17.3)
SRT = captions(last_s=16)


def mixed(wait_s: float = 2.0, *, takes_missing: bool = True, **changes: object) -> PipelineConfig:
    """Mood from windows and sentences, arousal from windows alone, valence from sentences alone."""
    mood = {"plugin": "acme-mood", "wait_s": wait_s, "takes_missing": takes_missing}
    tables: dict[str, object] = {
        "stream": {"dc": "keep"},  # what is heard is compared with the samples as they are
        "transcript": {"plugin": "provided"},
        "extractors": [{"plugin": "acme-spelling"}, {"plugin": "acme-loudness"}],
        "classifiers": [mood, {"plugin": "acme-loud"}, {"plugin": "acme-spelling", "name": "smile"}],
        "segments": {"window_s": 3.0},
        "activity": {"plugin": "acme-speaker", "min_speech": 0.0},
    }
    return acme(**{**tables, **changes})


class Told(Observer):
    def __init__(self) -> None:
        self.sentences: list[Sentence] = []
        self.states: list[EmotionState] = []

    def on_transcript(self, stream: str, sentence: Sentence) -> None:
        self.sentences.append(sentence)

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState):
            self.states.append(output)


Run = tuple[list[Output], list[Sentence], dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, SPEECH, RATE, subtype="FLOAT")
    path.with_suffix(".srt").write_text(SRT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def expected(talk: Path) -> list[Output]:
    return heard(mixed(), talk, len(SPEECH))[0]


def heard(description: PipelineConfig, talk: Path, size: int) -> Run:
    told = Told()
    with Host(description) as host:
        stream = host.stream("talk", origin=talk, observer=told)
        outputs = list(stream.play(cut(SPEECH, every(size))))
    assert stream.pipeline.ledger.settled
    assert stream.pipeline.in_flight == 0
    return outputs, told.sentences, stream.pipeline.ledger.record()


def moods(outputs: Sequence[Output]) -> list[Prediction]:
    return [one for one in outputs if isinstance(one, Prediction) and one.target == "mood"]


def words_of(window: Span, wait_s: float, sentences: Sequence[Sentence]) -> Sentence | None:
    """The rule in words of its own: what is heard comes in blocks of a second, what is left at the end."""
    ended = window.stop_s + wait_s > len(SPEECH) / RATE
    by = min(math.ceil(window.stop_s + wait_s) * RATE, len(SPEECH))
    # The last cue outlasts the recording: its sentence settles when that is known to have ended.
    settled = [one for one in sentences if ended or one.stop <= min(by, len(SPEECH) - 1)]
    during = [one for one in settled if one.start < window.stop and window.start < one.stop]
    at_its_end = [one for one in during if one.stop >= window.stop]
    return (at_its_end[:1] or during[-1:] or [None])[0]


def judged(window: Span, said: Sentence | None) -> Floats:
    spelled = np.full((1, 2), np.nan, np.float32) if said is None else Spelling().encode([said.text])
    loud = Loudness()
    (loudness,) = [loud.summarise([loud.describe(SPEECH[window.start : window.stop])])]
    return Mood().predict([spelled, loudness])[0]


@pytest.mark.parametrize("wait_s", [0.0, 0.5, 2.0, 60.0])
def test_a_window_is_judged_with_what_was_said_as_it_ended(talk: Path, wait_s: float) -> None:
    outputs, sentences, ledger = heard(mixed(wait_s), talk, 1600)
    windows = [prediction.span for prediction in moods(outputs)]
    assert [span.stop for span in windows] == [*range(RATE, 18 * RATE, RATE), len(SPEECH)]
    words = [words_of(span, wait_s, sentences) for span in windows]
    for prediction, said in zip(moods(outputs), words, strict=True):
        found = np.array([*prediction.probabilities.values()])
        assert np.abs(found - judged(prediction.span, said)).max() < 1e-5
    unsaid = words.count(None)
    assert 2 <= unsaid <= 9
    assert ledger["pair acme-mood acme-spelling"] == {
        "unit": "segments",
        "received": 18,
        "processed": 18 - unsaid,
        "dropped": {"unsaid": unsaid},
        "in_flight": 0,
    }


def test_a_classifier_of_both_votes_on_the_clock_of_the_windows() -> None:
    with Host(mixed()) as host:
        tracks = {one["target"]: one["track"] for one in targets(host.description, host.bus.facts)}
    assert tracks == {"mood": "audio", "arousal": "audio", "valence": "text"}


def test_those_that_wait_longer_get_more_of_what_was_being_said(talk: Path) -> None:
    def paired(wait_s: float) -> int:
        edge = heard(mixed(wait_s), talk, 1600)[2]["pair acme-mood acme-spelling"]
        return int(edge["processed"])

    assert paired(0.0) < paired(2.0)


def test_the_tracks_beside_are_what_they_are_alone(talk: Path, expected: list[Output]) -> None:
    classifiers = [{"plugin": "acme-loud"}, {"plugin": "acme-spelling", "name": "smile"}]
    alone, _, _ = heard(mixed(classifiers=classifiers), talk, 1600)
    others = [one for one in expected if getattr(one, "target", "") != "mood"]
    assert others == alone


@pytest.mark.parametrize("size", [160, 1600, 7919])
def test_no_state_depends_on_the_size_of_chunks(talk: Path, expected: list[Output], size: int) -> None:
    assert heard(mixed(), talk, size)[0] == expected


@pytest.mark.parametrize(("transport", "workers"), [("inproc", 2), ("ipc", 1), ("ipc", 2)])
def test_no_state_depends_on_the_bus(
    talk: Path, expected: list[Output], transport: str, workers: int
) -> None:
    assert heard(mixed(bus={"transport": transport, "workers": workers}), talk, 1600)[0] == expected


def test_live_and_replay_give_the_same_states(talk: Path, expected: list[Output]) -> None:
    states = [one for one in expected if isinstance(one, EmotionState) and one.target == "mood"]
    with Host(mixed()) as host:
        lived = Told()
        assert Live(host, [lived]).run([open_source(str(talk))]) == 0
        (again,) = feeds([str(talk)], 100.0)
        replayed = replay_feed(host, again).states
    assert [(s.span, s.label, s.votes) for s in lived.states if s.target == "mood"] == [
        (s.span, s.label, s.votes) for s in states
    ]
    assert [(s["stop"], s["label"]) for s in replayed if s["target"] == "mood"] == [
        (s.span.stop, s.label) for s in states
    ]


def test_live_no_other_target_waits_for_words(talk: Path) -> None:
    with Host(mixed(5.0)) as host:
        stream = host.stream("talk", origin=talk, live=True)
        out: list[Output] = []
        for chunk in cut(SPEECH[: 13 * RATE], every(1600)):
            out += stream.push(chunk)
    stops = {target: [o.span.stop for o in out if isinstance(o, EmotionState) and o.target == target]
             for target in ("mood", "arousal")}  # fmt: skip
    assert stops["arousal"][-1] == 13 * RATE
    assert stops["mood"][-1] == 9 * RATE, "a sentence ends at 9 s, later windows wait for 5 s"


def test_a_classifier_that_takes_nothing_missing_is_not_asked(talk: Path) -> None:
    outputs, _, ledger = heard(mixed(takes_missing=False), talk, 1600)
    said = ledger["pair acme-mood acme-spelling"]
    assert said["dropped"]["unsaid"] > 0
    assert ledger["vote acme-mood"]["dropped"] == {"missing": said["dropped"]["unsaid"]}
    assert len(moods(outputs)) == said["processed"] == ledger["predict acme-mood"]["processed"]
    assert not [one for one in outputs if isinstance(one, Fault)]


@pytest.mark.parametrize("takes_missing", [True, False])
def test_features_are_normalised_in_the_order_of_the_windows(talk: Path, takes_missing: bool) -> None:
    mood = {"plugin": "acme-mood", "normalise": "stream", "takes_missing": takes_missing}
    description = mixed(classifiers=[mood])
    outputs, _, _ = heard(description, talk, 1600)
    assert heard(description, talk, 7919)[0] == outputs
    plain = heard(mixed(classifiers=[mood | {"normalise": "none"}]), talk, 1600)[0]
    assert moods(outputs) != moods(plain)
    assert (len(moods(outputs)) == 18) == takes_missing


def test_words_whose_features_fail_are_missing_and_take_nothing_with_them(talk: Path, tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(talk.read_bytes())
    path.with_suffix(".srt").write_text(SRT.replace("Is it?", "An unspeakable thing!"), encoding="utf-8")
    outputs, sentences, ledger = heard(mixed(), path, 1600)
    assert len([one for one in outputs if isinstance(one, Fault)]) == 1
    windows = [prediction.span for prediction in moods(outputs)]
    words = [words_of(span, 2.0, sentences) for span in windows]
    failed = [said is not None and "unspeakable" in said.text for said in words]
    assert any(failed)
    for prediction, said, lost in zip(moods(outputs), words, failed, strict=True):
        found = np.array([*prediction.probabilities.values()])
        assert np.abs(found - judged(prediction.span, None if lost else said)).max() < 1e-5
    assert ledger["pair acme-mood acme-spelling"]["dropped"] == {
        "failed": sum(failed), "unsaid": words.count(None),
    }  # fmt: skip


class Second:
    """Says a sentence at the end of every second that it hears, and fails from ``until`` on."""

    name, rate = "second", RATE

    def __init__(self, until: int) -> None:
        self._until = until

    def hear(self, start: int, samples: Floats) -> Sequence[Sentence]:
        if start >= self._until * RATE:
            raise RuntimeError("out of order")
        return [Sentence(start, start + len(samples), "what a day!")] if len(samples) else []

    def finish(self) -> Sequence[Sentence]:
        return []


def streamed(host: Host, transcriber: Transcriber, chunks: Sequence[Chunk]) -> list[list[Output]]:
    """What comes of each chunk, and of the end."""
    pipeline = Pipeline("s", host.description, host.bus, None, lambda: transcriber)
    stream = Stream(Intake("s", RATE, keep_dc=True), pipeline)
    out = [list(stream.push(chunk)) for chunk in chunks]
    out.append(list(stream.finish()))
    assert pipeline.ledger.settled
    assert pipeline.in_flight == 0
    return out


def test_a_transcriber_that_fails_and_is_parked_holds_no_window_up() -> None:
    with Host(mixed(activity=None)) as host:
        out = streamed(host, Second(until=4), [*cut(SPEECH, every(RATE))])
    came = {one.span.stop: at for at, batch in enumerate(out) for one in moods(batch)}
    # What was said in a second that was heard is there at once, all else is waited for: 2 s and no longer.
    assert [came[stop * RATE] - (stop - 1) for stop in range(1, 15)] == [0] * 4 + [2] * 10


@pytest.mark.parametrize("size", [160, 1600, 7919])
def test_a_window_gets_no_words_from_beyond_a_gap(size: int) -> None:
    def chunks() -> list[Chunk]:
        early = [*cut(SPEECH[: 5 * RATE], every(size))]
        first, *late = cut(SPEECH[5 * RATE :], every(size))
        return [*early, Chunk(first.samples, RATE, start=50 * RATE), *late]

    with Host(mixed(activity=None)) as host:
        batches = streamed(host, Second(until=5), chunks())
        predictions = moods([one for batch in batches for one in batch])
    assert len(predictions) == 5 + 13
    for prediction in predictions:
        spelled = np.array([[11.0, 1.0 if prediction.span.stop <= 5 * RATE else np.nan]], np.float32)
        place = prediction.span.start - (45 * RATE if prediction.span.start >= 50 * RATE else 0)
        loud = Loudness()
        rows = loud.describe(SPEECH[place : place + prediction.span.length])
        assert np.allclose(
            [*prediction.probabilities.values()],
            Mood().predict([spelled, loud.summarise([rows])])[0],
            atol=1e-5,
        )

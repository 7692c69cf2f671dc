"""Segments by turns of speech: whoever speaks is answered, live as in a replay; none is half silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stimmung.engine.audio.dc import DcBlocker
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.errors import ConfigError
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Chunk, EmotionState, Fault, Features, Floats, Output, Prediction, Status
from support import RATE, acme, cut, every

TURNS = {"kind": "turns", "shortest_s": 0.3, "longest_s": 4.0}
EXTRACTORS = [{"plugin": "acme-loudness"}, {"plugin": "acme-level"}, {"plugin": "acme-block"}]


def voice(seconds: float, seed: int = 0) -> Floats:
    """A buzz of wandering level that a detector hears without a gap."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * 130 * n * time_s) / n for n in range(1, 6))
    level = 0.1 + 0.05 * np.sin(2 * np.pi * time_s / 3 + seed)
    return (level * wave + random.normal(0, 1e-4, len(time_s))).astype(np.float32)


def quiet(seconds: float) -> Floats:
    return np.random.default_rng(9).normal(0, 1e-4, round(seconds * RATE)).astype(np.float32)


def joined(*parts: Floats) -> Floats:
    return np.concatenate(parts)


# Two words, a click, a sentence with a short pause in it, one longer than longest_s, and a last word.
TALK = joined(
    *(quiet(1.7), voice(0.6, 1), quiet(2.2), voice(0.4, 2), quiet(0.9), voice(0.03, 3), quiet(1.3)),
    *(voice(1.3, 4), quiet(0.3), voice(1.1, 5), quiet(1.6), voice(6.5, 6), quiet(1.1), voice(0.7, 7)),
)


def by_turns(**changes: Any) -> PipelineConfig:
    tables = {"segments": TURNS, "extractors": EXTRACTORS, **changes}
    return acme(**tables)


def play(host: Host, chunks: Iterator[Chunk], **options: Any) -> list[Output]:
    stream = host.stream("s", **options)
    outputs = list(stream.play(chunks))
    assert stream.pipeline.ledger.settled
    heard = stream.pipeline.ledger.record()["audio"]
    assert heard["received"] == int(stream.heard_s * RATE)
    return outputs


def states(outputs: Sequence[Output], target: str = "arousal") -> list[EmotionState]:
    return [one for one in outputs if isinstance(one, EmotionState) and one.target == target]


def spans(outputs: Sequence[Output]) -> list[tuple[float, float]]:
    found = [one for one in outputs if isinstance(one, Prediction) and one.target == "arousal"]
    return [(round(one.span.start_s, 2), round(one.span.stop_s, 2)) for one in found]


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host(by_turns()) as host:
        yield host


@pytest.fixture(scope="module")
def expected(host: Host) -> list[Output]:
    return play(host, cut(TALK, every(len(TALK))), features=True)


def test_a_word_of_0_6_s_between_silences_gets_a_state(host: Host) -> None:
    outputs = play(host, cut(joined(quiet(1.7), voice(0.6), quiet(2.0)), every(1600)))
    ((start, stop),) = spans(outputs)
    assert 1.55 <= start <= 1.7
    assert 2.3 <= stop <= 2.45
    found = [(round(state.span.stop_s, 2), state.label is not None) for state in states(outputs)]
    assert found == [(1.0, False), (stop, True), (round(stop + 1, 2), True), (4.3, True)]


def test_while_nobody_speaks_there_is_a_state_every_hop(host: Host) -> None:
    found = states(play(host, cut(quiet(3.5), every(1600))))
    assert [(state.span.stop_s, state.status) for state in found] == [
        (stop_s, Status.NO_SPEECH) for stop_s in (1.0, 2.0, 3.0, 3.5)
    ]


def test_nobody_waits_for_the_end_of_a_turn(host: Host) -> None:
    stream, outputs = host.stream("s"), list[Output]()
    for chunk in cut(joined(quiet(1.0), voice(5.5)), every(1600)):
        outputs += stream.push(chunk)
    assert [stop for _, stop in spans(outputs)] == pytest.approx([1.9, 2.9, 3.9, 4.9, 5.9], abs=0.1)
    list(stream.finish())


def test_no_segment_of_speech_is_half_silence(expected: list[Output]) -> None:
    silent = {one.span for one in states(expected)} - {one.span for one in states(expected) if one.label}
    assert silent
    for one in expected:
        if isinstance(one, Prediction):
            heard = np.abs(TALK[one.span.start : one.span.stop]) > 0.01
            loud = np.flatnonzero(heard)
            assert loud[0] < 0.2 * RATE
            assert len(heard) - loud[-1] < 0.2 * RATE


def test_what_is_too_short_is_counted_and_all_audio_is_accounted_for(host: Host) -> None:
    stream = host.stream("s")
    list(stream.play(cut(TALK, every(1600))))
    heard = stream.pipeline.ledger.record()["audio"]
    assert heard["received"] == len(TALK) == heard["processed"] + heard["dropped"]["too_short"]
    assert 0 < heard["dropped"]["too_short"] < 0.3 * RATE


@pytest.mark.parametrize("size", [160, 999, 1600])
def test_states_do_not_depend_on_the_size_of_chunks(host: Host, expected: list[Output], size: int) -> None:
    assert same(play(host, cut(TALK, every(size)), features=True), expected)


def test_states_do_not_depend_on_single_samples(host: Host) -> None:
    talk = TALK[: 5 * RATE]
    assert play(host, cut(talk, every(1))) == play(host, cut(talk, every(len(talk))))


@settings(deadline=None, max_examples=15)
@given(sizes=st.lists(st.integers(1, 20000), min_size=1, max_size=20))
def test_states_do_not_depend_on_random_sizes_of_chunks(sizes: list[int]) -> None:
    def cycle() -> Iterator[int]:
        while True:
            yield from sizes

    with Host(by_turns()) as host:
        assert play(host, cut(TALK, cycle())) == play(host, cut(TALK, every(len(TALK))))


@pytest.mark.parametrize(("transport", "workers"), [("inproc", 1), ("inproc", 3), ("ipc", 1), ("ipc", 2)])
def test_states_do_not_depend_on_the_bus(expected: list[Output], transport: str, workers: int) -> None:
    with Host(by_turns(bus={"transport": transport, "workers": workers})) as host:
        assert same(play(host, cut(TALK, every(1600)), features=True), expected)


def test_states_do_not_depend_on_where_the_detector_runs(expected: list[Output]) -> None:
    activity = {"plugin": "acme-speaker", "min_speech": 0.1, "transport": "ipc"}
    with Host(by_turns(activity=activity)) as host:
        assert same(play(host, cut(TALK, every(1600)), features=True), expected)


def same(found: Sequence[Output], expected: Sequence[Output]) -> bool:
    return list(map(plain, found)) == list(map(plain, expected))


def plain(output: Output) -> object:
    if isinstance(output, Features):
        return (output.index, output.span, output.extractor, output.values.tolist(), output.speech)
    return output


def test_a_gap_ends_a_turn_and_what_follows_begins_anew(host: Host, expected: list[Output]) -> None:
    at, gap = round(8.0 * RATE), 50 * RATE + 77  # in the middle of a sentence
    before = Chunk(TALK[:at, np.newaxis], RATE)
    after = Chunk(TALK[:, np.newaxis], RATE, start=at + gap)
    outputs = play(host, iter([before, after]))
    assert not any(start * RATE < at + gap and stop * RATE > at for start, stop in spans(outputs))
    predictions = [one for one in outputs if isinstance(one, Prediction)]
    assert max(one.span.stop for one in predictions if one.span.stop <= at) == at
    moved = [
        (one.span.start - at - gap, one.probabilities) for one in predictions if one.span.start >= at + gap
    ]
    assert moved == [(one.span.start, one.probabilities) for one in expected if isinstance(one, Prediction)]


def test_a_turn_votes_once_by_its_latest_answer(host: Host) -> None:
    found = states(play(host, cut(joined(quiet(1.0), voice(2.5), quiet(1.0), voice(0.5)), every(1600))))
    assert [state.voters for state in found if state.label] == [1, 1, 1, 2]


def test_what_comes_of_a_settled_turn_is_a_function_of_its_samples(expected: list[Output]) -> None:
    turns = [one for one in expected if isinstance(one, Features) and one.extractor != "acme-loudness"]
    heard = DcBlocker(RATE).remove(TALK)
    tables = {"stream": {"dc": "keep"}, "segments": {"kind": "whole", "shortest_s": 0.25}, "activity": None}
    with Host(by_turns(**tables)) as alone:
        for one in turns:
            (values,) = (
                output.values
                for output in play(
                    alone, cut(heard[one.span.start : one.span.stop], every(1600)), features=True
                )
                if isinstance(output, Features) and output.extractor == one.extractor
            )
            assert values.tolist() == one.values.tolist()
    assert {one.span.length for one in turns if one.span.length < RATE}, "none is shorter than a block"
    assert {one.span.length for one in turns if one.span.length == 4 * RATE}, "none is as long as the longest"


def test_every_sample_of_speech_counts_once_among_settled_segments(host: Host) -> None:
    found = play(host, cut(joined(quiet(1.0), voice(2.5), quiet(1.0)), every(1600)), features=True)
    speech = [
        one.speech / RATE for one in found if isinstance(one, Features) and one.extractor == "acme-level"
    ]
    assert speech == pytest.approx([0.9, 1.9, 2.5], abs=0.07)  # running answers leave theirs to the end
    found = play(host, cut(joined(quiet(1.0), voice(9.5), quiet(1.0)), every(1600)), features=True)
    speech = [
        one.speech / RATE for one in found if isinstance(one, Features) and one.extractor == "acme-level"
    ]
    assert speech[3] == pytest.approx(3.9, abs=0.07)
    assert speech[4] == pytest.approx(1.0, abs=0.07)
    assert speech[3] + speech[7] + speech[-1] == pytest.approx(9.5, abs=0.07)


def test_a_running_turn_leaves_the_normaliser_as_it_was() -> None:
    classifiers = [{"plugin": "acme-loud", "normalise": "stream"}]
    turn, later = voice(2.5, 1), voice(0.6, 2)
    with Host(by_turns(classifiers=classifiers)) as host:
        found = play(host, cut(joined(quiet(1.0), turn, quiet(1.0), later, quiet(1.0)), every(1600)))
    with Host(by_turns(classifiers=classifiers, segments={**TURNS, "hop_s": 4.0})) as host:
        settled = play(host, cut(joined(quiet(1.0), turn, quiet(1.0), later, quiet(1.0)), every(1600)))
    ends = {one.span: one.probabilities for one in found if isinstance(one, Prediction)}
    assert len(ends) == 4
    for one in settled:
        if isinstance(one, Prediction):
            assert one.probabilities == ends[one.span]


def test_a_turn_without_a_row_of_an_extractor_is_counted_and_nobody_s_fault() -> None:
    description = by_turns(
        extractors=[{"plugin": "acme-loudness"}, {"plugin": "acme-block"}],
        classifiers=[{"plugin": "acme-loud"}],
        segments={**TURNS, "shortest_s": 0.03, "pad_s": 0.0},
    )
    with Host(description) as host:
        stream = host.stream("s")
        outputs = list(stream.play(cut(joined(quiet(1.0), voice(0.04), quiet(1.0), voice(1.2)), every(1600))))
        ledger = stream.pipeline.ledger
    assert not [one for one in outputs if isinstance(one, Fault)]
    assert ledger.settled
    assert len(spans(outputs)) == 3
    assert ledger.record()["extract acme-block"]["dropped"] == {"too_short": 1}
    assert ledger.record()["extract acme-loudness"]["dropped"] == {}


@pytest.mark.parametrize(("fault", "transport"), [("raise", ""), ("die", "ipc")])
def test_where_a_detector_fails_nothing_is_passed_over(fault: str, transport: str) -> None:
    activity = {"plugin": "acme-clock", "fault": fault, "blocks": [6], "transport": transport}
    with Host(by_turns(activity=activity)) as host:
        stream = host.stream("s")
        outputs = list(stream.play(cut(quiet(6.0), every(1600))))
    assert stream.pipeline.ledger.settled
    lost = [one.span for one in outputs if isinstance(one, Fault)]
    heard = [one.span for one in outputs if isinstance(one, Prediction)]
    assert lost
    assert all(any(one.start <= span.start and span.stop <= one.stop for one in heard) for span in lost)


def test_turns_need_voice_activity() -> None:
    with pytest.raises(ConfigError, match="turns are cut by voice activity, but nothing detects it; add"):
        by_turns(activity=None)


def test_rows_of_single_calls_keep_step_with_answers() -> None:
    with pytest.raises(
        ConfigError, match=r"'acme-block', got segments\.hop_s = 0\.8, expected a multiple of 0\.5 s"
    ):
        Host(by_turns(segments={**TURNS, "hop_s": 0.8}))


@pytest.mark.parametrize("seconds", [0.4, 1.3, 2.285, 3.9])
def test_the_end_of_a_whole_recording_is_described_however_the_audio_comes(seconds: float) -> None:
    # Alone, so that no other extractor keeps the audio.
    alone = {"extractors": [{"plugin": "acme-block"}], "classifiers": [], "activity": None}
    samples, found = voice(seconds, 8), []
    with Host(by_turns(segments={"kind": "whole", "shortest_s": 0.25}, **alone)) as host:
        for size in (160, 999, len(samples)):
            outputs = play(host, cut(samples, every(size)), features=True)
            assert not [output for output in outputs if isinstance(output, Fault)]
            found.append([o.values.tolist() for o in outputs if isinstance(o, Features)])
    assert found[0] == found[1] == found[2]

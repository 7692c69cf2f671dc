"""What ``bench back`` measures: the process that serves is killed, and an answer of its successor awaited."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from stimmung.engine.bench.recovery import apart, back, question
from stimmung.engine.calls.bus import Answer
from stimmung.engine.cli import group
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.runtime.host import Host
from support import RATE, acme, syllables

SPEECH = syllables(2.0)


@pytest.fixture(scope="module")
def every_kind() -> PipelineConfig:
    """A detector, a transcriber, extractors of windows, of frames and of sentences, and classifiers."""
    return acme(
        transcript={"plugin": "acme-clock"},
        activity={"plugin": "acme-clock", "name": "ear", "min_speech": 0.0},
        extractors=[{"plugin": "acme-spelling"}, {"plugin": "acme-loudness"}, {"plugin": "acme-level"}],
        classifiers=[{"plugin": "acme-loud"}, {"plugin": "acme-spelling", "name": "smile"}],
    )


def test_every_plugin_of_a_pipeline_is_killed_and_answers_again(every_kind: PipelineConfig) -> None:
    found = {one.plugin: one for one in back(every_kind, SPEECH, 2, spare=False)}
    assert found.keys() == {
        *("acme-clock", "ear", "acme-spelling", "acme-loudness", "acme-level", "acme-loud", "smile")
    }
    for one in found.values():
        assert len(one.back_s) == 2
        assert all(seconds > 0 for seconds in one.back_s)
        assert len(one.held_mb) == 1
        assert one.held_mb[0] > 10, "a process with Python in it"


def test_with_a_spare_only_those_that_have_one_are_killed(every_kind: PipelineConfig) -> None:
    found = {one.plugin: one for one in back(every_kind, SPEECH, 3, spare=True)}
    assert {"acme-clock", "ear"} <= found.keys()
    for one in found.values():
        assert len(one.back_s) == 3
        assert len(one.held_mb) == 2


def test_a_question_of_every_kind_is_answered(every_kind: PipelineConfig) -> None:
    description = apart(every_kind, spare=False)
    with Host(description) as host:
        known = [*host.bus.listeners.values(), *host.bus.facts.values()]
        assert {facts.kind for facts in known} == {
            *("detector", "transcriber", "extractor", "frame_extractor", "text_extractor", "classifier")
        }
        for facts in known:
            answers: list[Answer] = []
            host.bus.submit(question(facts, SPEECH, RATE, 0), answers.append)
            while not answers:
                host.bus.pump(0.1)
            assert answers[0].reason == ""
        assert [worker.heard for worker in host.bus.workers()] == [2] * len(known), "hello and an answer"


def test_the_command_says_how_soon_each_plugin_is_back_and_what_it_holds() -> None:
    done = CliRunner().invoke(group, ["bench", "back", "--rounds", "1"])
    assert done.exit_code == 0, done.output
    lines = [line for line in done.stdout.splitlines() if "back after" in line]
    told = [line.partition(":")[0] for line in lines]
    assert {"hsf, without", "svm, without", "webrtc, without", "webrtc, with a spare"} <= {*told}
    assert lines[0].endswith(" MB")
    assert lines[-1].count(" MB") == 2

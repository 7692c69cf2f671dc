"""Offsets inferred by the stream: the same however audio comes, wherever the classifier runs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from levels import described, trained
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.errors import ConfigError
from stimmung.engine.runtime.host import Host
from stimmung.engine.transport.zmq_bus import ZmqBus
from stimmung.engine.types import Output, Prediction
from support import RATE, acme, cut, every, played, syllables

SPEECH = np.concatenate([syllables(7.3), np.zeros(6 * RATE, np.float32), syllables(7.1, seed=1)])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("model"))


def outputs(description: PipelineConfig, size: int = 1600) -> list[Output]:
    return played(description, SPEECH, size)


@pytest.fixture(scope="module")
def expected(model: Path) -> list[Output]:
    return outputs(described(model))


def test_the_offset_changes_what_is_predicted_and_nothing_else(model: Path, expected: list[Output]) -> None:
    plain = outputs(described(model, "none"))
    assert [output.span for output in plain] == [output.span for output in expected]
    assert plain != expected
    assert any(isinstance(output, Prediction) for output in expected)


@pytest.mark.parametrize("size", [160, 999, len(SPEECH)])
def test_it_does_not_depend_on_the_size_of_chunks(model: Path, expected: list[Output], size: int) -> None:
    assert outputs(described(model), size) == expected


@pytest.mark.parametrize(("transport", "workers"), [("inproc", 1), ("inproc", 3), ("ipc", 2)])
def test_it_does_not_depend_on_the_bus(
    model: Path, expected: list[Output], transport: str, workers: int
) -> None:
    assert outputs(described(model, bus={"transport": transport, "workers": workers})) == expected


def test_kill_9_of_any_worker_loses_nothing_of_the_offset(model: Path, expected: list[Output]) -> None:
    with Host(described(model, bus={"transport": "ipc", "workers": 2})) as host:
        assert isinstance(host.bus, ZmqBus)
        stream, found, killed = host.stream("s"), [], 0
        for number, chunk in enumerate(cut(SPEECH, every(1600))):
            found += stream.push(chunk)
            if number % 60 == 20:
                slot = host.bus.supervisor.slots[killed % len(host.bus.supervisor.slots)]
                identity = slot.identity
                os.kill(host.bus.supervisor.pid(identity), signal.SIGKILL)
                while slot.identity == identity:
                    host.bus.pump(0.01)
                killed += 1
        found += stream.finish()
        assert found == expected
        assert host.restarts == killed > 2


def test_a_classifier_without_an_offset_model_is_refused() -> None:
    classifiers = [{"plugin": "acme-loud", "normalise": "offset"}]
    with pytest.raises(ConfigError, match=r"'acme-loud' cannot infer a speaker's offset.*'linear'"):
        Host(acme(classifiers=classifiers))

"""Speech unlike the training data: the same states say so, however audio comes and wherever plugins run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import zmq
from stimmung.engine.batch.replay import replay
from stimmung.engine.calls.call import Call, perform
from stimmung.engine.calls.spec import spec_of
from stimmung.engine.config.schema import PipelineConfig
from stimmung.engine.errors import ConfigError, PluginError
from stimmung.engine.export import FORMATS
from stimmung.engine.export.intervals import Run
from stimmung.engine.plugin import Input
from stimmung.engine.runtime.host import Host, open_source
from stimmung.engine.storage.records import record
from stimmung.engine.types import EmotionState, Fault, Output, Prediction, Reason, Status
from support import RATE, acme, played, syllables

SPEECH = syllables(20.3)
LIMIT = 0.5  # of acme-far: a level more than 3 dB from -60


def described(unsure_beyond: float | None = LIMIT, remote: bool = False, **changes: Any) -> PipelineConfig:
    """A classifier that knows distances beside one, of the first version's contract, that does not."""
    vote: dict[str, Any] = {"span_s": 8.0}
    if unsure_beyond is not None:
        vote["unsure_beyond"] = unsure_beyond
    far = {"plugin": "acme-far", "remote": True} if remote else {"plugin": "acme-far"}
    classifiers = [far, {"plugin": "acme-loud", "target": "power"}]
    return acme(**{"classifiers": classifiers, "vote": vote, **changes})


def outputs(description: PipelineConfig, size: int = 1600) -> list[Output]:
    return played(description, SPEECH, size)


def states(found: list[Output], target: str) -> list[EmotionState]:
    return [one for one in found if isinstance(one, EmotionState) and one.target == target]


@pytest.fixture(scope="module")
def expected() -> list[Output]:
    return outputs(described())


def test_predictions_carry_the_distance_of_a_classifier_that_knows_it(expected: list[Output]) -> None:
    found: dict[str, list[float | None]] = {"arousal": [], "power": []}
    for one in expected:
        assert not isinstance(one, Fault)
        if isinstance(one, Prediction):
            found[one.target].append(one.distance)
    assert len(found["arousal"]) > 10
    assert all(isinstance(distance, float) for distance in found["arousal"])
    assert set(found["power"]) == {None}


def test_states_are_unsure_where_most_of_their_voters_are_far_and_otherwise_as_before(
    expected: list[Output],
) -> None:
    reasons = [state.reason for state in states(expected, "arousal")]
    assert {*reasons} == {None, Reason.DISTANCE}
    assert all(
        (state.status is Status.UNSURE) == (state.reason is not None) for state in states(expected, "arousal")
    )
    without = outputs(described(None))
    assert [state.label for state in states(without, "arousal")] == [
        state.label for state in states(expected, "arousal")
    ]
    assert {state.reason for state in states(without, "arousal")} == {None}
    assert states(without, "power") == states(expected, "power")


@pytest.mark.parametrize("size", [160, 999, len(SPEECH)])
def test_it_does_not_depend_on_the_size_of_chunks(expected: list[Output], size: int) -> None:
    assert outputs(described(), size) == expected


@pytest.mark.parametrize(("transport", "workers"), [("inproc", 3), ("ipc", 2)])
def test_it_does_not_depend_on_the_bus(expected: list[Output], transport: str, workers: int) -> None:
    assert outputs(described(bus={"transport": transport, "workers": workers})) == expected


def test_a_classifier_that_runs_elsewhere_gives_the_same(expected: list[Output]) -> None:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        socket.bind("tcp://127.0.0.1:*")
        endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)
    program = "from stimmung.engine.cli import main; main()"
    worker = subprocess.Popen([sys.executable, "-c", program, "worker", "acme-far", "--connect", endpoint])
    try:
        assert outputs(described(remote=True, bus={"listen": endpoint})) == expected
    finally:
        worker.kill()
        worker.wait()


def test_a_replay_says_in_every_table_what_a_live_stream_says(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    path, out = tmp_path / "one.wav", tmp_path / "out"
    soundfile.write(path, SPEECH, RATE)
    replay([str(path)], described(), out)
    with Host(described()) as host:
        (feed,) = open_source(str(path), chunk_ms=37.0).feeds()
        played = host.stream(str(path)).play(feed.chunks)
        live = [record(one) for one in played if isinstance(one, Prediction | EmotionState)]
    for table, kind, name in (("states", "state", "reason"), ("predictions", "prediction", "distance")):
        rows = [json.loads(line) for line in (out / f"{table}.jsonl").read_text().splitlines()]
        assert rows == [row for row in live if row["kind"] == kind]
        expected = [row[name] for row in rows]
        assert len({*expected}) > 1
        assert known(pd.read_parquet(out / f"{table}.parquet")[name]) == expected
        (tmp_path / table).mkdir()
        FORMATS["csv"](Run(out, table), tmp_path / table)  # type: ignore[arg-type]
        by_target = known(pd.read_csv(tmp_path / table / "export.csv")[name])
        assert Counter(by_target) == Counter(expected)


def known(column: Any) -> list[Any]:
    """The values of a column of pandas, None where there is none."""
    return [None if value != value else value for value in column]


def test_a_limit_that_no_classifier_can_tell_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'acme-loud' does not say how far.*unsure_beyond = 1.5.*'linear'"):
        Host(acme(classifiers=[{"plugin": "acme-loud"}], vote={"unsure_beyond": 1.5}))
    with pytest.raises(ConfigError, match="unsure_beyond"):
        described(0.0)


class Measures:
    """A classifier of one label more than it needs, with whatever distance the test gives it."""

    name, rate, target, labels = "measures", RATE, "arousal", ("low", "high")
    inputs = (Input("level", 1),)

    def __init__(self, distance: Any) -> None:
        self._distance = distance

    def predict(self, features: Any) -> Any:
        return np.array([[0.25, 0.75]], np.float32)

    def training_distance(self, features: Any) -> Any:
        return self._distance


def assessed(distance: Any) -> list[float]:
    plugin = Measures(distance)
    call = Call("measures", "assess", (np.zeros((1, 1), np.float32),))
    found: list[float] = perform(plugin, spec_of("measures", plugin), call).tolist()
    return found


def test_the_distance_follows_the_probabilities_and_what_is_none_is_named() -> None:
    assert assessed(np.array([1.5])) == [0.25, 0.75, 1.5]
    with pytest.raises(PluginError, match=r"wrong result from training_distance, got shape \(2,\)"):
        assessed(np.array([1.5, 2.0]))
    with pytest.raises(PluginError, match="NaN or infinite numbers from training_distance"):
        assessed(np.array([np.nan]))

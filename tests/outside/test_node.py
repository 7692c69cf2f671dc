"""Another language on the wire: a listener and an extractor written for Node."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import pytest
from reader import ROOT
from stimmung.engine.config.schema import PluginTable, describe
from stimmung.engine.runtime.host import Host, open_sink
from stimmung.engine.storage.records import record
from stimmung.engine.types import EmotionState, Features, Span, Status
from support import RATE, cut, every, syllables

EXAMPLES = ROOT / "examples" / "node"
STATES = [
    EmotionState(
        "ä/ö ☂", Span(0, 80000, RATE), "emotion", Status.OK, "anger", 0.75, {"anger": 3}, 3, {"anger": 0.75}
    ),
    EmotionState("ä/ö ☂", Span(0, 96000, RATE), "emotion", Status.NO_SPEECH, None, 0.0, {}, 0, {}),
]


@pytest.fixture(scope="module")
def node() -> str:
    """The interpreter; skips where it, or what the examples need, is not installed."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    if not (EXAMPLES / "node_modules" / "zeromq").is_dir():
        pytest.skip("the Node examples are not installed: npm ci --ignore-scripts --prefix examples/node")
    return found


def test_a_listener_in_node_reads_every_field_of_a_state(node: str, tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path}/states"
    sink = open_sink(PluginTable(plugin="pub", name="pub", options={"endpoint": endpoint}))
    command = [node, str(EXAMPLES / "listen.js"), endpoint, str(len(STATES))]
    listener = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        # Whoever has not joined yet hears nothing: say it until it has been heard.
        while listener.poll() is None:
            for state in STATES:
                sink.write(state)
            try:
                listener.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
    finally:
        sink.close()
        listener.kill()
        printed = listener.communicate()[0]
    assert listener.returncode == 0
    expected = [json.loads(msgspec.json.encode({"v": 1} | record(state, timing=True))) for state in STATES]
    for line in map(json.loads, printed.splitlines()):
        assert line in expected
    assert len(printed.splitlines()) == len(STATES)


def crossings(bus: str) -> list[Features]:
    tables = {
        "stream": {"dc": "keep"},
        "bus": {"transport": bus},
        "extractors": [
            {"plugin": "crossings", "command": ["node", str(EXAMPLES / "extractor.js")]},
            {"plugin": "acme-level"},
        ],
    }
    with Host(describe(tables, "the test")) as host:
        stream = host.stream("s", features=True)
        outputs = list(stream.play(cut(syllables(8.0), every(1600))))
        assert stream.pipeline.ledger.settled
    return [one for one in outputs if isinstance(one, Features) and one.extractor == "crossings"]


@pytest.mark.parametrize("bus", ["local", "ipc"])
@pytest.mark.usefixtures("node")
def test_an_extractor_in_node_serves_a_pipeline(bus: str) -> None:
    found = crossings(bus)
    assert len(found) == 8
    samples = syllables(8.0)
    for features in found:
        segment = samples[features.span.start : features.span.stop]
        signs = segment >= 0
        rate_hz = np.count_nonzero(signs[1:] != signs[:-1]) * RATE / len(segment)
        assert features.values == pytest.approx([rate_hz, np.abs(segment).max()], rel=1e-6)

"""Plugins with environments of their own: what they need, side by side, and swapped while a stream runs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from environments import UPGRADE, documented_environment, environment, install, run, write_wheel
from stimmung.engine.config.schema import PipelineConfig, describe
from stimmung.engine.errors import ConfigError, WorkerError
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import EmotionState, Features, Output
from support import cut, every, syllables

TONE = """
import numpy as np
import acme_dsp
from stimmung.engine.plugin import hookimpl

class Tone:
    api = 1
    name, version, rate, dim = "acme-{name}", "{version}", 16000, 1
    def extract(self, segments):
        return np.full((len(segments), 1), acme_dsp.{call}, np.float32)

@hookimpl
def stimmung_extractor():
    return Tone
"""


def tone(folder: Path, name: str, call: str, release: str = "1.0", version: str = "1") -> Path:
    """The wheel of a plugin that calls its library in its own way."""
    files = {f"acme_{name}.py": TONE.format(name=name, call=call, version=version)}
    entry = f"[stimmung]\nacme-{name} = acme_{name}\n"
    return write_wheel(folder, f"acme-{name}", release, files, entry)


@pytest.fixture(scope="module")
def pythons(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> tuple[Path, Path]:
    """Two environments: the engine's core, a plugin in each, and releases of one library that differ."""
    folder = tmp_path_factory.mktemp("environments")
    libraries = (
        write_wheel(folder, "acme-dsp", "1.0", {"acme_dsp.py": "def level():\n    return 1.0\n"}),
        write_wheel(folder, "acme-dsp", "2.0", {"acme_dsp.py": "def gain(power):\n    return power\n"}),
    )
    plugins = (tone(folder, "old", "level()"), tone(folder, "new", "gain(power=2.0)"))
    old, new = (
        documented_environment(folder / plugin.stem, {"stimmung": [wheel], "acme-old": [library, plugin]})
        for library, plugin in zip(libraries, plugins, strict=True)
    )
    return old, new


@pytest.fixture
def upgradable(pythons: tuple[Path, Path], tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """The same two, the second as it was again afterwards."""
    yield pythons
    install(pythons[1], "--no-deps", "--force-reinstall", tone(tmp_path, "new", "gain(power=2.0)"))


def pipeline(old: Path, new: Path, **changes: object) -> PipelineConfig:
    extractors = [
        {"plugin": "acme-old", "python": str(old)},
        {"plugin": "acme-level"},
        {"plugin": "acme-new", "python": str(new)},
    ]
    return describe({"extractors": extractors, **changes}, "the test")


def test_a_worker_needs_five_small_packages_and_none_of_the_heavy_ones(pythons: tuple[Path, Path]) -> None:
    listed = json.loads(
        run(
            pythons[0],
            "-c",
            "import json, sys, importlib.metadata as m, stimmung.engine.workers.process\n"
            "print(json.dumps([sorted(d.name for d in m.distributions()), sorted(sys.modules)]))",
        ).stdout
    )
    core = {"msgspec", "numpy", "pluggy", "pyzmq", "threadpoolctl"}
    assert set(listed[0]) == {"acme-dsp", "acme-old", "stimmung", *core}
    assert not {"torch", "transformers", "spacy", "sklearn", "scipy", "click"} & set(listed[1])


@pytest.mark.parametrize("transport", ["local", "inproc", "ipc"])
def test_plugins_that_need_incompatible_releases_run_in_one_pipeline(
    pythons: tuple[Path, Path], transport: str
) -> None:
    with Host(pipeline(*pythons, bus={"transport": transport})) as host:
        stream = host.stream("s", features=True)
        outputs = list(stream.play(cut(syllables(6.0), every(1600))))
        assert stream.pipeline.ledger.settled
        assert len(host.bus.pids) == (3 if transport == "ipc" else 2)
    found: dict[str, set[float]] = {}
    for output in outputs:
        assert isinstance(output, Features)
        found.setdefault(output.extractor, set()).update(output.values.tolist())
    assert found["acme-old"] == {1.0}
    assert found["acme-new"] == {2.0}
    assert len(found["acme-level"]) == 6


def test_an_upgraded_plugin_takes_over_without_stopping_the_stream(
    upgradable: tuple[Path, Path], tmp_path: Path
) -> None:
    """Its features keep their version, as an upgrade's must; the value tells the two apart here."""
    old, new = upgradable
    samples = syllables(40.0)
    chunks = cut(samples, every(1600))
    with Host(pipeline(old, new)) as host:
        stream, outputs = host.stream("s", features=True), list[Output]()
        for _ in range(100):
            outputs += stream.push(next(chunks))
        before = host.bus.pids
        install(new, "--no-deps", tone(tmp_path, "new", "gain(power=5.0)", release="1.1"))
        host.rolling_restart()
        for _ in range(100):
            outputs += stream.push(next(chunks))
        while set(host.bus.pids) & set(before):
            host.bus.pump(0.05)
        for chunk in chunks:
            outputs += stream.push(chunk)
        outputs += stream.finish()
        assert stream.pipeline.ledger.settled
        assert host.restarts == 0
        assert len(host.bus.pids) == len(before)
    values = [
        float(output.values[0])
        for output in outputs
        if isinstance(output, Features) and output.extractor == "acme-new"
    ]
    assert len(values) == 40
    assert values == sorted(values)
    assert {values[0], values[-1]} == {2.0, 5.0}


@pytest.mark.parametrize(
    ("call", "version", "words", "kept"),
    [
        ("gain(power=7.0)", "2", "'acme-new' declares other facts than before", 3),
        ("level()", "1", "took over from acme-new.0.0", 0),
    ],
    ids=["other features", "fails every call"],
)
def test_an_upgrade_that_does_not_fit_never_stops_the_stream(
    upgradable: tuple[Path, Path],
    tmp_path: Path,
    call: str,
    version: str,
    words: str,
    kept: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Host(pipeline(*upgradable)) as host:
        stream = host.stream("s", features=True)
        install(upgradable[1], "--no-deps", tone(tmp_path, "new", call, release="1.2", version=version))
        host.rolling_restart()
        while words not in caplog.text:
            host.bus.pump(0.05)
        outputs = list(stream.play(cut(syllables(3.0), every(1600))))
        assert stream.pipeline.ledger.settled
    names = [output.extractor for output in outputs if isinstance(output, Features)]
    assert (names.count("acme-level"), names.count("acme-new")) == (3, kept)


def test_a_running_command_swaps_its_workers_when_told_to(tmp_path: Path) -> None:
    assert UPGRADE.splitlines()[1] == "kill -USR1 PID"
    (tmp_path / "pipeline.toml").write_text(
        '[bus]\ntransport = "ipc"\n[[extractors]]\nplugin = "acme-loudness"\n'
        '[[classifiers]]\nplugin = "acme-loud"\n'
    )
    program = "from stimmung.engine.cli import main; main()"
    arguments = ["run", "--source", "sample", "--speed", "1", "--pipeline", "pipeline.toml"]
    command = [sys.executable, "-u", "-c", program, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as running:  # type: ignore[call-overload]
        assert running.stdout.readline()
        assert running.stdout.readline()
        running.send_signal(signal.SIGUSR1)
        said = [running.stderr.readline() for _ in range(2)]
        assert running.stdout.readline()
        running.kill()
    assert all("took over from acme-loud" in line for line in said), said


def test_an_environment_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="the worker of plugin 'acme-old' cannot be started, got No such file"
    ):
        Host(pipeline(tmp_path / "bin" / "python", tmp_path / "bin" / "python"))


def test_an_environment_without_the_engine_is_one_line(tmp_path: Path) -> None:
    python = environment(tmp_path / "bare")
    with pytest.raises(WorkerError, match="an environment of its own needs stimmung too"):
        Host(pipeline(python, python))


def test_a_detector_runs_in_an_environment_of_its_own() -> None:
    speech, outputs = syllables(3.0), []
    for own in ({}, {"python": sys.executable}):
        tables = {
            "extractors": [{"plugin": "hsf"}],
            "activity": {"plugin": "webrtc", **own},
        }
        with Host(describe(tables, "the test")) as host:
            outputs.append([*host.stream("s", features=True).play(cut(speech, every(1600)))])
            assert len(host.bus.pids) == len(own)
    assert repr(outputs[0]) == repr(outputs[1])


def test_states_are_the_same_wherever_a_plugin_runs(pythons: tuple[Path, Path]) -> None:
    """The rule in this process, its features from another environment: as if all were here."""
    states = {}
    for transport in ("local", "ipc"):
        tables = {
            "bus": {"transport": transport},
            "extractors": [
                {"plugin": "acme-loudness"},
                {"plugin": "acme-new", "python": str(pythons[1])},
            ],
            "classifiers": [{"plugin": "acme-loud"}],
        }
        with Host(describe(tables, "the test")) as host:
            outputs = host.stream("s").play(cut(syllables(8.0), every(1600)))
            states[transport] = [output for output in outputs if isinstance(output, EmotionState)]
    assert states["local"] == states["ipc"]
    assert len(states["local"]) == 8

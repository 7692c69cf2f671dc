"""A second process that has loaded a plugin already: it takes over, and nothing else changes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from stimmung.engine.batch.replay import replay
from stimmung.engine.config.schema import PipelineConfig, load_description
from stimmung.engine.errors import ConfigError
from stimmung.engine.monitor.health import Health
from stimmung.engine.runtime.host import Host
from stimmung.engine.transport.zmq_bus import ZmqBus
from stimmung.engine.types import EmotionState, Fault, Output
from stimmung.engine.workers.supervisor import WorkerSlot
from stimmung.samples import SPEECH
from support import acme, cut, every, syllables, until

SECONDS = 12
HEARD = syllables(float(SECONDS))
IPC = {"transport": "ipc"}


def spared(plugin: str, **bus: Any) -> PipelineConfig:
    """Two extractors and a classifier of both in processes; that one has a spare."""

    def table(name: str, **options: Any) -> dict[str, Any]:
        return {"plugin": name, "spare": name == plugin, **options}

    return acme(
        extractors=[table("acme-loudness"), table("acme-level")],
        classifiers=[table("acme-loud", level=True)],
        bus={**IPC, **bus},
    )


def open_bus(host: Host) -> ZmqBus:
    assert isinstance(host.bus, ZmqBus)
    return host.bus


def slots(host: Host, plugin: str) -> list[WorkerSlot]:
    return [slot for slot in open_bus(host).supervisor.slots if slot.name == plugin]


def pid(slot: WorkerSlot) -> int:
    return slot.process.pid if slot.process is not None else 0


def serving(host: Host, plugin: str) -> int:
    """The process that is asked."""
    (asked,) = [one.pid for one in host.bus.workers() if one.plugin == plugin and not one.spare]
    return asked


def answering(host: Host, plugin: str, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes whose answers for ``plugin`` come from now on."""
    bus, found = open_bus(host), list[int]()
    settle = bus._settle

    def settled(identity: bytes, *answered: Any) -> None:
        if bus._connections[identity].name == plugin:
            found.append(bus.supervisor.pid(identity.decode()))
        settle(identity, *answered)

    monkeypatch.setattr(bus, "_settle", settled)
    return found


def kill(host: Host, plugin: str) -> None:
    """Kills the process that is asked, and waits until the host has noticed."""
    victim = serving(host, plugin)
    (slot,) = [one for one in slots(host, plugin) if pid(one) == victim]
    identity = slot.identity
    os.kill(victim, signal.SIGKILL)
    until(host, lambda: slot.identity != identity, f"the death of {identity}")


@pytest.fixture(scope="module")
def expected() -> list[Output]:
    with Host(acme(classifiers=[{"plugin": "acme-loud", "level": True}])) as host:
        return list(host.stream("s").play(cut(HEARD, every(1600))))


@pytest.mark.parametrize("plugin", ["acme-loudness", "acme-level", "acme-loud"])
def test_after_kill_9_a_process_that_was_there_before_answers_and_no_state_changes(
    plugin: str, expected: list[Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Host(spared(plugin)) as host:
        first, second = map(pid, slots(host, plugin))
        begun = serving(host, plugin)
        spare = second if begun == first else first
        answers = answering(host, plugin, monkeypatch)
        stream, outputs = host.stream("s"), list[Output]()
        for number, chunk in enumerate(cut(HEARD, every(1600))):
            outputs += stream.push(chunk)
            if number == 65:
                until(host, lambda: bool(answers), "an answer")
                assert set(answers) == {begun}, "the spare is asked nothing before its turn"
                kill(host, plugin)
                assert serving(host, plugin) == spare
                answers.clear()
        outputs += stream.finish()
        assert set(answers) == {spare}
        assert outputs == expected
        assert host.restarts == 1
        assert stream.pipeline.ledger.settled
        account = stream.pipeline.ledger.record()
    assert not [edge for name, edge in account.items() if name != "audio" and edge["dropped"]]


def test_whoever_was_killed_stands_by_once_it_is_back(expected: list[Output]) -> None:
    with Host(spared("acme-level")) as host:
        stream, outputs, served = host.stream("s"), list[Output](), [serving(host, "acme-level")]
        for number, chunk in enumerate(cut(HEARD, every(1600))):
            outputs += stream.push(chunk)
            if number in (35, 75):
                until(host, lambda: len(open_bus(host)._connections) == 4, "both of its processes")
                (standing,) = [one.pid for one in host.bus.workers() if one.spare]
                kill(host, "acme-level")
                served.append(serving(host, "acme-level"))
                assert served[-1] == standing
        outputs += stream.finish()
        assert len(set(served)) == 3
        assert outputs == expected


def test_one_spare_stands_beside_all_workers_of_a_plugin(expected: list[Output]) -> None:
    with Host(spared("acme-level", workers=2)) as host:
        assert [one.spare for one in host.bus.workers() if one.plugin == "acme-level"].count(True) == 1
        assert len(slots(host, "acme-level")) == 3
        assert len(slots(host, "acme-loud")) == 2
        assert list(host.stream("s").play(cut(HEARD, every(1600)))) == expected


def test_a_call_that_kills_is_given_up_and_its_plugin_parked_though_it_has_a_spare() -> None:
    deadly = {"plugin": "acme-faulty", "fault": "die", "above": -1.0, "spare": True}
    extractors = [{"plugin": "acme-loudness"}, deadly]
    with Host(acme(extractors=extractors, classifiers=[{"plugin": "acme-loud"}], bus=IPC)) as host:
        health = Health(host)
        stream = host.stream("s")
        outputs = list(stream.play(cut(HEARD, every(1600))))
        assert stream.pipeline.ledger.settled
        account = stream.pipeline.ledger.record()
        rows = {row["plugin"]: row["condition"] for row in health.report([account], 0.0)}
    errors = {one.error for one in outputs if isinstance(one, Fault)}
    assert "plugin 'acme-faulty' ended its worker 3 times on the same call" in errors
    assert "plugin 'acme-faulty' keeps dying and is parked" in errors
    assert account["extract acme-faulty"]["dropped"] == {"failed": SECONDS}
    assert len([one for one in outputs if isinstance(one, EmotionState)]) == SECONDS
    assert [name for name, condition in rows.items() if condition != "ok"] == ["acme-faulty"]
    assert rows["acme-faulty"] == "parked"


def test_after_an_upgrade_the_successor_of_who_was_asked_is_asked(expected: list[Output]) -> None:
    with Host(spared("acme-level")) as host:
        asked = serving(host, "acme-level")
        (at,) = [number for number, slot in enumerate(slots(host, "acme-level")) if pid(slot) == asked]
        before = set(host.bus.pids)
        stream, outputs = host.stream("s"), list[Output]()
        for number, chunk in enumerate(cut(HEARD, every(1600))):
            outputs += stream.push(chunk)
            if number == 35:
                host.rolling_restart()
        until(host, lambda: not before & set(host.bus.pids), "the end of all of before")
        outputs += stream.finish()
        assert serving(host, "acme-level") == pid(slots(host, "acme-level")[at])
        assert len(host.bus.pids) == len(before) == 4
        assert outputs == expected
        assert host.restarts == 0


def test_a_plugin_is_well_while_its_spare_serves() -> None:
    with Host(spared("acme-level")) as host:
        health = Health(host)
        supervisor = open_bus(host).supervisor
        for slot in slots(host, "acme-level"):
            slot.deaths = 3  # so that its successor is some time in coming
        victim = serving(host, "acme-level")
        os.kill(victim, signal.SIGKILL)
        until(host, lambda: len(supervisor.pids) == 3, "the death of one")
        (row,) = [row for row in health.report([], 0.0) if row["plugin"] == "acme-level"]
    assert row["condition"] == "ok"
    assert sorted((bool(one["pid"]), one["spare"]) for one in row["workers"]) == [
        (False, True),
        (True, False),
    ]


@pytest.mark.parametrize("kind", ["extractors", "classifiers"])
@pytest.mark.parametrize(
    ("table", "bus", "words"),
    [
        ({}, {}, 'add transport = "ipc"'),
        ({}, {"transport": "inproc"}, 'add transport = "ipc"'),
        (
            {"remote": True},
            {"transport": "ipc", "listen": "tcp://127.0.0.1:5560"},
            "start another worker there instead",
        ),
    ],
)
def test_a_spare_needs_a_process(kind: str, table: dict[str, Any], bus: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        acme(**{kind: [{"plugin": "acme-mood", "spare": True, **table}]}, bus=bus)
    assert str(caught.value) == f"the test: plugin 'acme-mood' has a spare but no process; {words}"
    assert acme(**{kind: [{"plugin": "acme-mood", "spare": True, **IPC}]})


def test_the_command_line_may_give_it_that_process_or_take_it_away(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('[[extractors]]\nplugin = "hsf"\nspare = true\n')
    assert load_description(str(path), transport="ipc").extractors[0].spare
    path.write_text('[bus]\ntransport = "ipc"\nqueue = 7\n[[extractors]]\nplugin = "hsf"\nspare = true\n')
    assert load_description(str(path), workers=2).bus.queue == 7
    with pytest.raises(ConfigError, match="has a spare but no process"):
        load_description(str(path), transport="local")


def test_a_replay_starts_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started, begin = list[int](), ZmqBus.__init__

    def begun(self: ZmqBus, description: PipelineConfig) -> None:
        begin(self, description)
        started.append(len(self.supervisor.pids))

    monkeypatch.setattr(ZmqBus, "__init__", begun)
    replay([str(SPEECH)], spared("acme-level"), tmp_path)
    assert started == [3]

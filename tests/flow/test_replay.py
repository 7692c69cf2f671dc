"""A replay comes out the same when its processes are killed, and its account closes."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import psutil
import pytest
import soundfile
from stimmung.engine.replay import TABLES, replay
from support import RATE, acme, syllables


def children(module: str) -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [child for child in found if module in " ".join(child.cmdline())]


class Killer(threading.Thread):
    """Kills, as with kill -9, one process of ``module`` after another for as long as it is asked to."""

    def __init__(self, module: str, times: int) -> None:
        super().__init__(daemon=True)
        self.module, self.times, self.killed, self.over = module, times, 0, threading.Event()

    def run(self) -> None:
        while self.killed < self.times and not self.over.wait(0.7):
            for process in children(self.module)[self.killed % 2 :][:1]:
                process.kill()
                self.killed += 1


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(12):
        soundfile.write(folder / f"{number:02}.wav", syllables(60.0, seed=number), RATE)
    return folder


@pytest.mark.parametrize(
    ("module", "transport", "jobs"),
    [("stimmung.engine.worker", "ipc", 1), ("stimmung.engine.shards", "local", 2)],
)
def test_kill_9_in_the_middle_of_a_replay_changes_no_byte(
    corpus: Path, tmp_path: Path, module: str, transport: str, jobs: int
) -> None:
    replay([str(corpus)], acme(), tmp_path / "undisturbed")
    killer = Killer(module, times=3)
    killer.start()
    run = replay(
        [str(corpus)], acme(bus={"transport": transport}), tmp_path / "disturbed", jobs=jobs, chunk_ms=20
    )
    killer.over.set()
    killer.join()
    assert killer.killed >= 1
    for table in TABLES:
        one, other = (
            (tmp_path / run / f"{table}.jsonl").read_bytes() for run in ("undisturbed", "disturbed")
        )
        assert one == other
    assert (run["files"], run["failed"], run["reconciles"]) == (12, 0, True)
    if transport == "ipc":
        assert run["restarts"] >= killer.killed
    assert json.loads((tmp_path / "disturbed" / "run.json").read_text())["ledger"] == run["ledger"]
    assert children(module) == []

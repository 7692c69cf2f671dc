"""A replay comes out the same when its processes, or it itself, are killed, and its account closes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import soundfile
from stimmung.engine.batch.replay import TABLES, Backend, ExecutionOptions, replay
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
        while self.killed < self.times:
            for process in children(self.module)[self.killed % 2 :][:1]:
                process.kill()
                self.killed += 1
            if self.over.wait(0.2):
                break

    def started(self, done: int, total: int, stream: str) -> None:
        """Begins with the first file that is finished, so that the others are in the middle."""
        if done == 1:
            self.start()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for number in range(12):
        soundfile.write(folder / f"{number:02}.wav", syllables(60.0, seed=number), RATE)
    return folder


@pytest.mark.parametrize(
    ("module", "transport", "jobs"),
    [("stimmung.engine.workers.process", "ipc", 1), ("stimmung.engine.batch.process_pool", "local", 2)],
)
def test_kill_9_in_the_middle_of_a_replay_changes_no_byte(
    corpus: Path, tmp_path: Path, module: str, transport: str, jobs: int
) -> None:
    replay([str(corpus)], acme(), tmp_path / "undisturbed")
    killer = Killer(module, times=2)
    run = replay(
        [str(corpus)],
        acme(bus={"transport": transport}),
        tmp_path / "disturbed",
        jobs=jobs,
        chunk_ms=20,
        progress=killer.started,
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


def digests(out: Path) -> dict[str, str]:
    """The sha256 of every table of a run."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.iterdir())
        if path.name != "run.json"
    }


PIPELINE = """
[[extractors]]
plugin = "acme-loudness"
[[classifiers]]
plugin = "acme-loud"
"""


def test_kill_9_of_a_replay_loses_no_finished_file_and_changes_no_byte(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    audio = tmp_path / "corpus"
    shutil.copytree(corpus, audio)
    (audio / "03a.wav").write_text("no sound at all")

    def command(out: str) -> list[str]:
        program = "from stimmung.engine.cli import main; main()"
        options = ["--pipeline", "pipeline.toml", "--out", out, "--jobs", "2", "--features"]
        return [sys.executable, "-c", program, "replay", "corpus", *options]

    subprocess.run(command("undisturbed"), cwd=tmp_path, stderr=subprocess.DEVNULL)
    journal = tmp_path / "killed" / "journal.jsonl"
    process = subprocess.Popen(command("killed"), cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not journal.exists() or journal.read_bytes().count(b"\n") < 5:
        assert process.poll() is None, "it finished before it could be killed"
        threading.Event().wait(0.005)
    process.kill()
    process.wait()
    lines = journal.read_bytes().splitlines(keepends=True)[1:]
    finished = [json.loads(line)["stream"] for line in lines if line.endswith(b"\n")]
    assert 4 <= len(finished) < 13
    for stream in finished:  # whoever reads one of these again hears nothing, and the tables would differ
        path = tmp_path / stream
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        content = path.read_bytes()
        path.write_bytes(content[:44].ljust(len(content), b"\0"))
        os.utime(path, ns=times)
    subprocess.run(command("killed"), cwd=tmp_path, stderr=subprocess.DEVNULL)
    assert digests(tmp_path / "killed") == digests(tmp_path / "undisturbed")
    run = json.loads((tmp_path / "killed" / "run.json").read_text())
    assert (run["resumed"], run["files"], run["failed"]) == (len(finished), 13, 1)


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_backend_gives_the_tables_of_one_process_even_when_a_node_dies(
    corpus: Path, tmp_path: Path, backend: Backend
) -> None:
    replay([str(corpus)], acme(), tmp_path / "here", features=True)
    killed: list[int] = []

    def kill(done: int, total: int, stream: str) -> None:
        """Between two waves, so that the next finds one process less."""
        if not killed:
            process = children({"dask": "multiprocessing.spawn", "ray": "ray::"}[backend])[0]
            killed.append(process.pid)
            process.kill()

    run = replay(
        [str(corpus)],
        acme(),
        tmp_path / backend,
        features=True,
        execution=ExecutionOptions(2, backend),
        progress=kill,
    )
    assert killed
    assert (run["backend"], run["files"], run["failed"], run["reconciles"]) == (backend, 12, 0, True)
    assert digests(tmp_path / backend) == digests(tmp_path / "here")

"""The benchmark of very many files measures what it says: every file once, tenth by tenth."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import soundfile
from stimmung.engine.bench import files as bench_files
from stimmung.engine.bench.files import Clocks, Tenth, generate, tenths
from support import RATE, acme, syllables


def test_every_file_is_generated_and_replayed_once(tmp_path: Path) -> None:
    generate(tmp_path / "files", 40, 1.0, syllables(9.0), RATE)
    files = sorted((tmp_path / "files").rglob("*.wav"))
    assert [path.name for path in files] == [f"{number:06}.wav" for number in range(40)]
    assert {soundfile.info(path).frames for path in files} == {RATE}
    assert len({path.read_bytes() for path in files}) == 40
    seen: list[Tenth] = []
    run = tenths(tmp_path / "files", acme(), tmp_path / "out", 2, seen.append)
    assert (run["files"], run["errors"]) == (40, 0)
    assert [tenth.done for tenth in seen] == list(range(4, 41, 4))
    assert all(tenth.wall_s >= 0 and tenth.cpu_s >= 0 and tenth.host_mb > 0 for tenth in seen)
    assert seen[0].shards_mb > 20


def test_beyond_the_distinct_ones_files_are_links_of_their_own_name(tmp_path: Path) -> None:
    distinct = bench_files.DISTINCT
    generate(tmp_path, distinct + 3, 0.1, syllables(0.5), RATE)
    first, again = tmp_path / "0000" / "000002.wav", tmp_path / f"{distinct // 1000:04}" / "001002.wav"
    assert first.samefile(again)


def test_a_child_that_ends_takes_no_cpu_time_along() -> None:
    clocks = Clocks()
    program = "print(sum(range(10_000_000)), flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        assert child.stdout.readline()
        _, before_s = clocks.read()
    finally:
        child.communicate(b"\n", timeout=60)
    _, after_s = clocks.read()
    assert after_s >= before_s

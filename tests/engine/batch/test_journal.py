"""What has finished is kept, and believed only of the replay and the files it was of."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from stimmung.engine.batch.journal import Journal
from stimmung.engine.batch.manifest import ManifestEntry
from stimmung.engine.batch.replayer import ReplayResult
from stimmung.engine.errors import ConfigError

ITEMS = [ManifestEntry(f"{name}.wav", size=10, modified_ns=5) for name in "abcd"]


def encoded(name: str) -> bytes:
    return msgspec.json.encode(ReplayResult(name, states=[{"label": "é\n"}], audio_s=1.5))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal in which b and d have finished."""
    path = tmp_path / "journal.jsonl"
    with Journal(path, {"pipeline": 1}, ITEMS) as journal:
        for number in (3, 1):
            journal.add(number, encoded(ITEMS[number].stream))
    return path


def test_what_has_finished_is_read_back_and_the_rest_is_pending(path: Path) -> None:
    with Journal(path, {"pipeline": 1}, ITEMS) as journal:
        assert journal.pending == [0, 2]
        assert journal.read(3) == msgspec.json.decode(encoded("d.wav"), type=ReplayResult)
        journal.add(0, encoded("a.wav"))
        assert journal.read(1).stream == "b.wav"
        assert journal.read(0).stream == "a.wav"
    with Journal(path, {"pipeline": 1}, ITEMS) as journal:
        assert journal.pending == [2]


@pytest.mark.parametrize("missing", [1, 2, 40])
def test_a_line_cut_short_by_a_crash_is_dropped(path: Path, missing: int) -> None:
    path.write_bytes(path.read_bytes()[:-missing])
    with Journal(path, {"pipeline": 1}, ITEMS) as journal:
        assert journal.pending == [0, 1, 2]
        journal.add(1, encoded("b.wav"))
        assert journal.read(1).stream == "b.wav"


def test_a_journal_cut_short_in_its_first_line_begins_anew(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5])
    with Journal(path, {"pipeline": 1}, ITEMS) as journal:
        assert journal.pending == [0, 1, 2, 3]


def test_a_file_that_changed_since_has_not_finished(path: Path) -> None:
    changed = [*ITEMS[:3], msgspec.structs.replace(ITEMS[3], size=11)]
    with Journal(path, {"pipeline": 1}, changed) as journal:
        assert journal.pending == [0, 2, 3]


def test_files_may_come_and_go_between_two_runs(path: Path) -> None:
    with Journal(path, {"pipeline": 1}, [ManifestEntry("new.wav"), ITEMS[3]]) as journal:
        assert journal.pending == [0]
        assert journal.read(1).stream == "d.wav"


def test_the_journal_of_another_replay_is_refused_and_kept(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="unfinished replay of something else"):
        Journal(path, {"pipeline": 2}, ITEMS)
    assert path.read_bytes() == before

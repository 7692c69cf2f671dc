"""A corpus is listed once; each item can be opened anywhere, by what the listing says of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from stimmung.engine.batch.manifest import ManifestEntry, Opener, list_entries
from stimmung.engine.errors import InputError
from stimmung.engine.plugin import Feed
from support import RATE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b").mkdir()
    for name in ("a.wav", "b/c.wav"):
        soundfile.write(tmp_path / name, np.zeros(RATE), RATE)
    return tmp_path


def test_items_are_in_the_order_of_the_paths_and_of_their_names(folder: Path) -> None:
    single = str(folder / "b" / "c.wav")
    items = list(list_entries([single, f"{folder}/"]))
    assert [item.stream for item in items] == [single, f"{folder}/a.wav", f"{folder}/b/c.wav"]
    assert {item.size for item in items} == {44 + 2 * RATE}
    assert items[0].file == folder / "b" / "c.wav"


def test_an_item_opens_the_same_after_a_journey_as_json(folder: Path) -> None:
    for item in list_entries([str(folder)]):
        there = msgspec.json.decode(msgspec.json.encode(item), type=ManifestEntry)
        assert there == item
        feed = Opener(100.0).open(there)
        assert (feed.stream, feed.origin) == (item.stream, item.file)
        assert sum(len(chunk.samples) for chunk in feed.chunks) == RATE


def test_a_name_that_is_not_unicode_keeps_its_bytes(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    (tmp_path / "x.wav").write_bytes(b"")
    os.rename(tmp_path / "x.wav", name)
    (item,) = list_entries([str(tmp_path)])
    assert item.path == name
    assert item.stream.endswith("caf\\xe9.wav")
    assert item.file is not None
    assert item.file.exists()


def test_a_path_that_cannot_be_opened_is_an_item_that_fails() -> None:
    (item,) = list_entries(["nowhere.wav"])
    assert item.file is None
    with pytest.raises(InputError, match=r"'nowhere\.wav' does not exist"):
        Opener(None).open(item)


class Talks:
    """A source of five streams that are no files."""

    name = "talks"

    def feeds(self) -> Iterator[Feed]:
        yield from (Feed(f"talk {number}", iter(())) for number in range(5))


def test_the_feeds_of_a_source_that_is_no_file_are_opened_by_position(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stimmung.engine.batch.manifest.open_source", lambda spec, **options: Talks())
    items = list(list_entries(["talks:all"]))
    opener = Opener(None)
    for number in (0, 3, 1):
        assert opener.open(items[number]).stream == f"talk {number}"
    with pytest.raises(InputError, match="offers less than it did, got 5 streams, expected at least 8"):
        opener.open(ManifestEntry("talk 7", spec="talks:all", position=7))

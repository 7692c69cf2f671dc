"""What is remembered of speakers lies in one file each, by names that cannot lead elsewhere."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from stimmung.engine.errors import ConfigError
from stimmung.engine.storage.speakers import About, Speakers, check_name

DIGEST = "0123456789abcdef" * 4
STATE = {"means": np.ones((4, 2, 3)), "covariance": np.eye(3)}


def about(speaker: str = "anna", digest: str = DIGEST) -> About:
    return About(speaker=speaker, model="one", digest=digest, speech_s=12.5, written=1.5e9)


def test_what_is_written_is_read_again_to_the_last_bit(tmp_path: Path) -> None:
    speakers = Speakers(tmp_path / "some" / "where")
    assert speakers.read("anna", DIGEST) is None
    assert [*speakers.known()] == []
    speakers.write(about(), {"means": np.zeros(3)})
    speakers.write(about(), STATE)
    found = speakers.read("anna", DIGEST)
    assert found is not None
    assert found[0] == about()
    assert {name: array.tobytes() for name, array in found[1].items()} == {
        name: array.tobytes() for name, array in STATE.items()
    }
    assert [*speakers.known()] == [("anna", about())]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speakers = Speakers(tmp_path)
    speakers.write(about(), STATE)

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        speakers.write(about(), {"means": np.zeros(3)})
    assert speakers.read("anna", DIGEST) is not None
    assert len([*(tmp_path / "anna").iterdir()]) == 1


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../anna", "a/b", "a\\b", "/anna", " anna", "anna ", "a\nb", "a\0b", "-a", "a" * 61],
)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    speakers = Speakers(tmp_path / "speakers")
    (tmp_path / "anna").mkdir()
    for use in (check_name, speakers.forget, lambda one: speakers.write(about(one), STATE)):
        with pytest.raises(ConfigError, match="this cannot be the name of a speaker"):
            use(name)
    assert [*tmp_path.iterdir()] == [tmp_path / "anna"]


@pytest.mark.parametrize("name", ["anna", "Anna M.", "7", "João", "हिन्दी", "민지", "p-01_b", "ä" * 60])
def test_any_other_name_is_one_however_its_accents_are_typed(name: str, tmp_path: Path) -> None:
    speakers = Speakers(tmp_path)
    speakers.write(about(check_name(unicodedata.normalize("NFD", name))), STATE)
    assert speakers.names() == [unicodedata.normalize("NFC", name)]
    speakers.forget(name)
    assert speakers.names() == []


def test_forgetting_deletes_what_every_model_knows_of_one_speaker_alone(tmp_path: Path) -> None:
    speakers = Speakers(tmp_path)
    for who, digest in (("anna", DIGEST), ("anna", DIGEST[::-1]), ("ben", DIGEST)):
        speakers.write(about(who, digest), STATE)
    (tmp_path / "anna" / f"{DIGEST[:16]}.safetensors.123").write_bytes(b"left half written")
    speakers.forget("anna")
    assert [path.name for path in tmp_path.iterdir()] == ["ben"]
    with pytest.raises(ConfigError, match="nothing is remembered of 'anna'"):
        speakers.forget("anna")


def test_a_damaged_file_is_listed_as_such(tmp_path: Path) -> None:
    speakers = Speakers(tmp_path)
    speakers.write(about(), STATE)
    (path,) = (tmp_path / "anna").iterdir()
    path.write_bytes(path.read_bytes().replace(b"12.5", b"99.5"))
    assert [*speakers.known()] == [("anna", None)]

"""The detector's network comes out of its publisher's package, and only the one its card names."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from stimmung.engine.errors import InputError
from stimmung.engine.models.cards import find_model
from stimmung.pretrain.encoders.silero import FILE, MEMBER, main, rebuild


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder that holds the card alone."""
    shutil.copy(find_model("silero_vad") / "card.toml", tmp_path)
    return tmp_path


def wheel(path: Path, member: str, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return path


def test_the_network_of_the_package_is_the_one_that_ships(folder: Path) -> None:
    shipped = (find_model("silero_vad") / FILE).read_bytes()
    assert main([str(wheel(folder / "silero.whl", MEMBER, shipped)), str(folder)]) == 0
    assert (folder / FILE).read_bytes() == shipped


def test_another_network_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"take silero-vad 6\.2\.3"):
        rebuild(wheel(folder / "silero.whl", MEMBER, b"another"), folder)
    assert not (folder / FILE).exists()


def test_another_package_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(wheel(folder / "other.whl", "other.onnx", b"")), str(folder)]) == 1
    assert "is not the package silero-vad" in capsys.readouterr().err

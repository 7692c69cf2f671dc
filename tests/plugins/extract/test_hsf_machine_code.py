"""Machine code is kept from process to process, and never used for what it was not made of."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest
from stimmung.plugins.extract.hsf import machine_code

SOURCE = "def loop(x):\n    return x + ONE\n"


class Compiler:
    """Loads a loop that adds ``one`` from a package's folder, as a process of its own would."""

    def __init__(self, folder: Path, one: int = 1) -> None:
        self.package, self.one, self.calls = folder / "package", one, 0
        self.package.mkdir()
        (self.package / "loops.py").write_text(SOURCE)

    def __call__(self, kind: str = "int64") -> int:
        machine_code._sources.cache_clear()
        names: dict[str, Callable[[int], int]] = {}
        exec(compile(SOURCE, str(self.package / "loops.py"), "exec"), names)
        address, owner = machine_code.load(names["loop"], kind, self._code)
        result: int = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(41)
        del owner
        return result

    def _code(self) -> tuple[str, str]:
        self.calls += 1
        text = "define i64 @f(i64 %x) {{ %y = call i64 @g(i64 %x)\n ret i64 %y }}"
        return (text + "define i64 @g(i64 %x) {{ %y = add i64 %x, {} \n ret i64 %y }}").format(self.one), "f"

    def files(self) -> list[Path]:
        return list((self.package / "__pycache__").glob("*.o"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.pycache_prefix", None)
    return tmp_path / "home"


@pytest.fixture
def loop(tmp_path: Path, home: Path) -> Compiler:
    return Compiler(tmp_path)


def test_machine_code_is_made_once_and_lies_beside_the_byte_code(loop: Compiler, home: Path) -> None:
    assert [loop(), loop()] == [42, 42]
    assert loop.calls == 1
    assert len(loop.files()) == 1
    assert not home.exists()


@pytest.mark.parametrize("damage", [b"", b"half", bytes(64)])
def test_a_damaged_file_counts_as_none(loop: Compiler, damage: bytes) -> None:
    loop()
    whole = loop.files()[0].read_bytes()
    loop.files()[0].write_bytes(damage or whole[:-1])
    assert loop() == 42
    assert loop.calls == 2
    assert loop.files()[0].read_bytes() == whole


def test_a_change_in_any_module_of_the_package_is_compiled(loop: Compiler) -> None:
    (loop.package / "constants.py").write_text("ONE = 1\n")
    loop()
    (loop.package / "constants.py").write_text("ONE = 2\n")
    loop.one = 2
    assert loop() == 43


def test_another_processor_or_other_types_find_no_machine_code(
    loop: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop()
    loop("int32")
    assert loop.calls == 2
    triple, *_ = machine_code._processor()
    monkeypatch.setattr(machine_code, "_processor", lambda: (triple, "generic", ""))
    assert loop() == 42
    assert loop.calls == 3


def test_where_the_package_cannot_be_written_the_cache_folder_of_the_user_is(
    loop: Compiler, home: Path
) -> None:
    (loop.package / "__pycache__").write_text("no folder")
    assert [loop(), loop()] == [42, 42]
    assert loop.calls == 1
    assert len(list((home / "stimmung").iterdir())) == 1


def test_where_nothing_can_be_written_each_process_compiles(loop: Compiler, home: Path) -> None:
    (loop.package / "__pycache__").write_text("no folder")
    home.write_text("no folder")
    assert [loop(), loop()] == [42, 42]
    assert loop.calls == 2

"""Wheels and virtual environments, made as a user makes them."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reader import ROOT, blocks

# How docs/environments.md tells users to make an environment for a plugin.
RECIPE, UPGRADE = blocks((ROOT / "docs" / "environments.md").read_text(encoding="utf-8"), "bash")


def run(*command: str | Path, cwd: Path | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    """A finished command, without what this process was told to import."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, env=environment)
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def environment(folder: Path) -> Path:
    """The interpreter of a fresh virtual environment."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    return folder / "bin" / "python"


def install(python: Path, *what: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """``pip install`` into that environment, with the tested versions; only what is imported is compiled."""
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check", "install", "-q")
    return run(*pip, "--no-cache-dir", "--no-compile", "-c", ROOT / "constraints.txt", *what, cwd=cwd)


def follow(python: Path, line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A line of a page, finished, as typed in that environment; what builds a package is there already."""
    program, *words = shlex.split(line)
    if (program, words[:1]) == ("pip", ["install"]):
        return install(python, "--no-build-isolation", *words[1:], cwd=cwd)
    return run(python.parent / program, *words, cwd=cwd)


def documented_environment(folder: Path, wheels: Mapping[str, Sequence[Path]]) -> Path:
    """The interpreter of an environment made as documented, these wheels in place of the names."""
    for line in RECIPE.splitlines():
        program, *words = shlex.split(line.replace("venvs/old", str(folder)))
        if program == "python3":
            environment(folder)
            continue
        assert (program, words[0]) == (f"{folder}/bin/pip", "install")
        what = [wheel for word in words[1:] for wheel in wheels.get(word, [word])]
        install(folder / "bin" / "python", *what)
    return folder / "bin" / "python"


def build_wheel(folder: Path) -> Path:
    """The wheel of the project as it lies in the tree, built elsewhere than in the tree."""
    source = folder / "source"
    setup = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")
    for part in ("engine", "plugins", "pretrain", "configs", "models", "samples"):
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in setup:
        shutil.copy(ROOT / part, source / part)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-q", "--no-deps")
    run(*pip, "--no-build-isolation", "-w", folder, source)
    (wheel,) = folder.glob("stimmung-*.whl")
    return wheel


def write_wheel(
    folder: Path, name: str, version: str, files: Mapping[str, str], entry_points: str = ""
) -> Path:
    """A wheel of a few Python files, without a build system: for packages made up by a test."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    everything = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": tags}
    if entry_points:
        everything[f"{info}/entry_points.txt"] = entry_points
    record = "".join(f"{path},{_digest(text)},{len(text.encode())}\n" for path, text in everything.items())
    everything[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    wheel = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in everything.items():
            archive.writestr(path, text)
    return wheel


def once(folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """``folder/name``, made by whichever of the test processes comes first."""
    made = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / ".complete").exists():
            made.mkdir()
            make(made)
            (made / ".complete").touch()
    return made


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

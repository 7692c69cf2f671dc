"""One wheel, and one environment with it, for all tests of a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from environments import build_wheel, environment, install, once


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder common to all processes of the run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def wheel(shared_folder: Path) -> Path:
    """The wheel of this tree."""
    folder = once(shared_folder, "wheel", lambda made: (build_wheel(made), None)[1])
    return next(folder.glob("stimmung-*.whl"))


@pytest.fixture(scope="session")
def user(shared_folder: Path, wheel: Path) -> Path:
    """The environment of a user who typed ``pip install stimmung pytest setuptools``; its interpreter."""

    def make(folder: Path) -> None:
        install(environment(folder / "venv"), wheel, "pytest", "setuptools>=70")

    return once(shared_folder, "user", make) / "venv" / "bin" / "python"

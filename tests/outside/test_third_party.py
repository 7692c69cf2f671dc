"""Three outside packages, installed as anyone's, in one pipeline of a user."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from environments import install, run
from reader import ROOT

PACKAGES = ("acme-praat", "acme-logistic", "acme-subtitles")
THEIRS = ROOT / "tests" / "third_party"


@pytest.fixture(scope="module")
def theirs(user: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of their folders, from which the three are installed in the user's environment."""
    folder = tmp_path_factory.mktemp("theirs")
    for name in PACKAGES:
        shutil.copytree(THEIRS / name, folder / name, ignore=shutil.ignore_patterns("*.egg-info", "build"))
    install(user, "--no-build-isolation", *[folder / name for name in PACKAGES])
    return folder


@pytest.mark.parametrize("name", PACKAGES)
def test_an_outside_package_passes_its_own_tests(user: Path, theirs: Path, name: str) -> None:
    passed = run(user, "-m", "pytest", "-p", "no:cacheprovider", cwd=theirs / name)
    assert re.search(r"\d+ passed", passed.stdout)
    assert "skipped" not in passed.stdout


@pytest.mark.usefixtures("theirs")
def test_the_three_run_together(user: Path, tmp_path: Path) -> None:
    shutil.copy(THEIRS / "voices.toml", tmp_path)
    shutil.copy(THEIRS / "acme-logistic" / "acme_logistic" / "voices.csv", tmp_path)
    stimmung = user.parent / "stimmung"
    command = (stimmung, "run", "--source", "sample", "--pipeline", "voices.toml", "--sink", "console")
    printed = {}
    for bus in ("local", "ipc"):
        done = run(*command, "--sink", f"acme-subtitles:path={bus}.srt", "--bus", bus, cwd=tmp_path)
        printed[bus] = done.stdout
    assert printed["local"] == printed["ipc"]
    assert len(re.findall(r"voice +(low|high) ", printed["local"])) == 28
    subtitles = (tmp_path / "local.srt").read_text()
    assert subtitles == (tmp_path / "ipc.srt").read_text()
    assert re.match(r"1\n00:00:00,000 --> 00:\d\d:\d\d,\d{3}\n(low|high)\n\n", subtitles)


@pytest.mark.usefixtures("theirs")
def test_the_list_names_their_distributions(user: Path) -> None:
    listed = run(user.parent / "stimmung", "plugins", *PACKAGES).stdout
    for name, role in zip(PACKAGES, ("extractor", "classifier", "sink"), strict=True):
        assert re.search(rf"^{name} +{role} +{name} 1\.0 +1 +loads ", listed, re.MULTILINE)

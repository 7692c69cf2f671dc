"""From ``stimmung new-plugin`` to a feature in a live pipeline, in a user's own environment."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest
from environments import follow, install, run
from reader import ROOT, blocks
from stimmung.engine.devtools.scaffold import KINDS, write_plugin
from stimmung.engine.errors import ConfigError

# What a researcher writes over the first version: the feature, and where its middle lies.
PITCH = {
    "The level of a segment in dB.": "The pitch of a segment in Hz, by its autocorrelation.",
    "        return [10 * np.log10(np.mean(np.square(samples)) + 1e-10)]": (
        "        middle = len(samples) // 2\n"
        "        frame = samples[max(0, middle - 800) : middle + 800]\n"
        '        alike = np.correlate(frame, frame, "full")[len(frame) :]\n'
        "        shortest = self.rate // self.ceiling_hz\n"
        "        period = shortest + np.argmax(alike[shortest:])\n"
        "        return [self.rate / period]"
    ),
    "    rate, dim = 16000, 1": "    rate, dim, ceiling_hz = 16000, 1, 400",
    "middle: float = -30.0, width: float = 5.0": "middle: float = 150.0, width: float = 20.0",
}


def changed_lines(before: str, after: str) -> int:
    """Lines of ``after`` that are new or changed."""
    return sum(line.startswith("+ ") for line in difflib.ndiff(before.splitlines(), after.splitlines()))


@pytest.fixture(scope="module")
def packages(user: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of every kind, written by the command in the user's environment and installed there."""
    folder = tmp_path_factory.mktemp("packages")
    for kind in KINDS:
        run(user.parent / "stimmung", "new-plugin", f"acme-{kind}", "--kind", kind, cwd=folder)
    install(user, "--no-deps", "--no-build-isolation", *[folder / f"acme-{kind}" for kind in KINDS])
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_passes_its_own_tests_and_runs_at_once(user: Path, packages: Path, kind: str) -> None:
    folder = packages / f"acme-{kind}"
    passed = run(user, "-m", "pytest", "-p", "no:cacheprovider", cwd=folder).stdout
    assert re.search(r"\d+ passed", passed)
    assert "skipped" not in passed
    listed = run(user.parent / "stimmung", "plugins", "--check", f"acme-{kind}", cwd=folder).stdout
    assert all("checks passed" in line for line in listed.splitlines())
    assert f"acme-{kind} 0.1.0" in listed


def test_what_the_page_tells_to_type_works(user: Path, tmp_path: Path) -> None:
    (typed,) = blocks((ROOT / "docs" / "plugins.md").read_text(encoding="utf-8"), "bash")
    run(user.parent / "stimmung", "new-plugin", "acme-typed", "--kind", "extractor", cwd=tmp_path)
    shown = [follow(user, line, tmp_path / "acme-typed").stdout for line in typed.splitlines()]
    assert len(re.findall(r"typed +(low|high)", shown[-1])) == 28


def test_a_feature_of_ones_own_runs_live_after_fifteen_lines(user: Path, tmp_path: Path) -> None:
    stimmung = user.parent / "stimmung"
    run(stimmung, "new-plugin", "acme-pitch", "--kind", "extractor", cwd=tmp_path)
    module = tmp_path / "acme-pitch" / "acme_pitch" / "__init__.py"
    before = after = module.read_text()
    for old, new in PITCH.items():
        assert after.count(old) == 1
        after = after.replace(old, new)
    module.write_text(after)
    assert 0 < changed_lines(before, after) <= 15
    install(user, "--no-deps", "--no-build-isolation", tmp_path / "acme-pitch")
    run(user, "-m", "pytest", "-p", "no:cacheprovider", cwd=tmp_path / "acme-pitch")
    live = run(
        stimmung, "run", "--source", "sample", "--pipeline", "pipeline.toml", cwd=tmp_path / "acme-pitch"
    )
    states = re.findall(r"pitch +(low|high) ", live.stdout)
    assert len(states) == 28
    assert set(states) == {"low", "high"}


@pytest.mark.parametrize("name", ["Acme", "acme_pitch", "acme-", "3acme", "class", "../acme"])
def test_a_name_that_no_package_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be a plugin's name"):
        write_plugin(name, "sink", tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_over(tmp_path: Path) -> None:
    write_plugin("acme", "sink", tmp_path)
    with pytest.raises(ConfigError, match="is there already"):
        write_plugin("acme", "source", tmp_path)

"""Broken plugins of others, really installed: a line each, and everything else runs."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from environments import install, write_wheel
from reader import ROOT

PLUGIN = """
import numpy as np
from stimmung.engine.plugin import hookimpl

class Broken:
    api = {api}
    name, version, rate, dim = "{name}", "1", 16000, 2

    def extract(self, segments):
        return np.zeros((len(segments), {returned}), np.float32)

@hookimpl
def {hook}():
    return Broken
"""
SOUND = {"api": 1, "returned": 2, "hook": "stimmung_extractor"}
BROKEN = {
    "acme-api": {"api": 99},
    "acme-hook": {"hook": "stimmung_extracter"},
    "acme-shape": {"returned": 1},
    "acme-taken": {},
}
LINES = {
    "acme-api": r"plugin 'acme-api' of acme-api 1\.0 was written for another contract, got api = 99, "
    r"expected api = 1; upgrade stimmung",
    "acme-crash": r"plugin 'acme-crash' of acme-crash 1\.0 cannot be imported, got ZeroDivisionError: "
    r"division by zero; install what it needs or upgrade it",
    "acme-hook": r"plugin 'acme-hook' of acme-hook 1\.0 implements an unknown hook, "
    r"got stimmung_extracter; did you mean 'stimmung_extractor'\?",
    "life": r"two distributions provide a plugin 'life': acme-taken 1\.0 and stimmung \S+; "
    r"uninstall one of them",
}
SHAPE = (
    r"plugin 'acme-shape'.* returned a wrong result from extract, got shape \(1, 1\), expected an array of "
    r"shape \(1, 2\); correct what it declares, or extract, in acme-shape 1\.0"
)


@pytest.fixture(scope="module")
def site(user: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The broken packages, installed beside the user's environment."""
    folder = tmp_path_factory.mktemp("broken")
    wheels = [_wheel(folder, "acme-crash", "1 / 0\n")]
    for name, changed in BROKEN.items():
        wheels.append(_wheel(folder, name, PLUGIN.format(name=name, **SOUND | changed)))
    install(user, "--no-deps", "--target", folder / "site", *wheels)
    return folder / "site"


def _wheel(folder: Path, name: str, module: str) -> Path:
    plugin = "life" if name == "acme-taken" else name
    path = name.replace("-", "_")
    return write_wheel(folder, name, "1.0", {f"{path}.py": module}, f"[stimmung]\n{plugin} = {path}\n")


def stimmung(user: Path, site: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The user's command, with the broken packages on its path."""
    return subprocess.run(
        [user.parent / "stimmung", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(site)},
    )


def test_the_list_has_a_line_for_each_and_goes_on(user: Path, site: Path) -> None:
    listed = stimmung(user, site, "plugins")
    assert listed.returncode == 1
    assert listed.stderr == ""
    for name, line in LINES.items():
        assert re.search(rf"^{name} .* broken +{line} *$", listed.stdout, re.MULTILINE)
    assert re.search(r"^hsf +extractor .* loads ", listed.stdout, re.MULTILINE)


def test_the_conformance_suite_has_a_line_for_each_and_goes_on(user: Path, site: Path) -> None:
    checked = stimmung(user, site, "plugins", "--check", *LINES, "acme-shape", "console")
    assert checked.returncode == 1
    for line in LINES.values():
        assert re.search(rf"^  {line}$", checked.stdout, re.MULTILINE)
    assert "expected (1, 2); correct what the class declares, or what the method returns" in checked.stdout
    assert re.search(r"^console .* checks passed$", checked.stdout, re.MULTILINE)


@pytest.mark.parametrize("bus", ["local", "ipc"])
@pytest.mark.parametrize("name", LINES)
def test_a_pipeline_that_names_one_is_refused_in_one_line(
    user: Path, site: Path, tmp_path: Path, name: str, bus: str
) -> None:
    pipeline = tmp_path / "pipeline.toml"
    pipeline.write_text(f'[[extractors]]\nplugin = "{name}"\n')
    refused = stimmung(user, site, "run", "--source", "sample", "--pipeline", pipeline, "--bus", bus)
    assert refused.returncode in (1, 2)
    assert refused.stdout == ""
    assert re.fullmatch(rf"stimmung: .*{LINES[name]}\n", refused.stderr)


def test_with_all_of_them_installed_a_shipped_pipeline_runs(user: Path, site: Path) -> None:
    done = stimmung(user, site, "run", "--source", "sample", "--pipeline", "hsf_svm")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall("emotion", done.stdout)) == 28


def test_a_wrong_shape_costs_its_own_segments_and_no_others(user: Path, site: Path, tmp_path: Path) -> None:
    shipped = (ROOT / "configs" / "pipelines" / "hsf_svm.toml").read_text(encoding="utf-8")
    pipeline = tmp_path / "pipeline.toml"
    pipeline.write_text(f'{shipped}\n[[extractors]]\nplugin = "acme-shape"\n', encoding="utf-8")
    done = stimmung(user, site, "run", "--source", "sample", "--pipeline", pipeline)
    assert done.returncode == 1
    assert len(re.findall("emotion", done.stdout)) == 28
    first, counted = done.stderr.splitlines()
    assert re.search(SHAPE, first)
    assert counted.endswith("plugin 'acme-shape' failed in this way 28 times")

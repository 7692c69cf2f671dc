"""What is looked at often starts fast, because it imports little."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

CONTRACT = "import stimmung.engine.plugin"
HELP = "from stimmung.engine.cli import group; group(['--help'], standalone_mode=False)"


def imported(program: str) -> set[str]:
    """The top-level packages outside the standard library that a fresh interpreter has after it."""
    report = "import json, sys; print(); print(json.dumps([*sys.modules]))"
    command = [sys.executable, "-c", f"{program}\n{report}"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    roots = {name.partition(".")[0] for name in json.loads(printed.splitlines()[-1])}
    return {root for root in roots - sys.stdlib_module_names if not root.startswith("_")}


@pytest.mark.parametrize(
    ("program", "needed"),
    [(CONTRACT, {"numpy", "pluggy"}), (HELP, {"click", "msgspec", "typing_extensions"})],
    ids=["the contract", "stimmung --help"],
)
def test_only_what_is_needed_is_imported(program: str, needed: set[str]) -> None:
    assert imported(program) - imported("pass") <= {"stimmung", *needed}

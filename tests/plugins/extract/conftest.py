"""A BERT small enough to be made for the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny import save_bert


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bert(tmp_path_factory.mktemp("bert"))

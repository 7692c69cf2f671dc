"""The openSMILE plugin is optional, clips what it is given, and says so where it is missing."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from stimmung.engine.errors import ConfigError
from stimmung.engine.plugin import Extractor
from stimmung.engine.types import Segment, Span
from stimmung.plugins.extract.opensmile import OpenSmile
from support import syllables


def test_without_the_package_the_error_names_the_remedy_and_the_licence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opensmile", None)
    with pytest.raises(ConfigError, match=r"pip install stimmung\[opensmile\].*non-commercial"):
        OpenSmile()


def segment(samples: np.ndarray) -> Segment:
    return Segment("s", 0, Span(0, len(samples), 16000), samples.astype(np.float32))


def test_it_extracts_the_functionals_of_each_segment() -> None:
    pytest.importorskip("opensmile", reason="openSMILE is not installed: pip install stimmung[opensmile]")
    smile = OpenSmile()
    assert isinstance(smile, Extractor)
    speech = syllables(1)
    features = smile.extract([segment(speech), segment(np.clip(60 * speech, -1, 1)), segment(np.zeros(400))])
    assert features.shape == (3, 6373)
    assert np.isfinite(features).all()
    np.testing.assert_array_equal(smile.extract([segment(60 * speech)])[0], features[1])
    assert smile.extract([]).shape == (0, 6373)

"""Praat's pitch keeps the contract and is right about a tone."""

import numpy as np
import pytest
from acme_praat import PraatPitch
from stimmung.engine.types import Segment, Span


@pytest.mark.stimmung("acme-praat")
def test_it_keeps_its_contract(conformance):
    conformance()


@pytest.mark.parametrize("hz", [110, 220, 330])
def test_a_tone_has_its_own_pitch(hz):
    samples = (0.3 * np.sin(2 * np.pi * hz * np.arange(16000) / 16000)).astype(np.float32)
    (median_hz, spread_hz, voiced), *_ = PraatPitch().extract(
        [Segment("s", 0, Span(0, 16000, 16000), samples)]
    )
    assert median_hz == pytest.approx(hz, rel=0.01)
    assert spread_hz < 2
    assert voiced > 0.9

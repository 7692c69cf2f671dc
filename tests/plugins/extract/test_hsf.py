"""HSF keeps the contract: named features, local rows, and finite numbers whatever it hears."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stimmung.engine.plugin import FrameExtractor
from stimmung.engine.types import Floats
from stimmung.plugins.extract.hsf import Hsf, stimmung_extractor
from support import syllables

RATE = 16000
HSF = Hsf()


def features(samples: Floats) -> dict[str, float]:
    values = HSF.summarise([HSF.describe(samples)])[0]
    return dict(zip(HSF.feature_names(), values.tolist(), strict=True))


def test_the_hook_announces_a_frame_extractor() -> None:
    assert stimmung_extractor() is Hsf
    assert isinstance(HSF, FrameExtractor)


def test_every_feature_has_a_name_of_its_own() -> None:
    names = HSF.feature_names()
    assert len(names) == len(set(names)) == HSF.dim == 6373
    assert names[0] == "audspec_lengthL1norm_sma_range"
    assert names[-1] == "mfcc_sma_de[14]_stddevFallingSlope"


@pytest.mark.parametrize(("size", "rows"), [(0, 0), (959, 0), (960, 1), (1119, 1), (1120, 2), (16000, 95)])
def test_a_row_needs_sixty_milliseconds(size: int, rows: int) -> None:
    assert HSF.describe(np.zeros(size, np.float32)).shape == (rows, HSF.channels)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.integers(0, 3))
def test_rows_from_any_blocks_equal_rows_from_the_whole(sizes: list[int], seed: int) -> None:
    samples = syllables(2, seed)
    whole = HSF.describe(samples)
    start = 0
    for size in [*sizes, len(whole)]:
        stop = min(start + size, len(whole))
        block = HSF.describe(samples[start * HSF.hop : (stop - 1) * HSF.hop + HSF.support])
        np.testing.assert_allclose(block, whole[start:stop], rtol=1e-5, atol=1e-5)
        start = stop
        if start == len(whole):
            break


def test_a_window_of_a_stream_equals_the_same_samples_alone() -> None:
    samples = syllables(8)
    rows = HSF.describe(samples)
    alone = HSF.describe(samples[HSF.rate : 6 * HSF.rate])
    window = rows[100 : 100 + len(alone)]
    np.testing.assert_allclose(window, alone, rtol=1e-5, atol=1e-5)
    # Where matrix products round differently, a few extrema may fall on the other side of a threshold.
    same = np.isclose(HSF.summarise([window]), HSF.summarise([alone]), rtol=1e-3, atol=1e-3)
    assert same.mean() > 0.995


def test_segments_summarised_together_equal_segments_alone() -> None:
    rows = HSF.describe(syllables(4))
    together = HSF.summarise([rows[:200], rows[50:60], rows])
    alone = [HSF.summarise([part])[0] for part in (rows[:200], rows[50:60], rows)]
    np.testing.assert_array_equal(together, alone)
    assert HSF.summarise([]).shape == (0, HSF.dim)


def test_read_only_rows_are_enough_and_stay_as_they_are() -> None:
    rows = HSF.describe(syllables(1))
    before = rows.copy()
    rows.flags.writeable = False
    HSF.summarise([rows])
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_a_segment_of_few_rows_has_finite_features(rows: int) -> None:
    described = HSF.describe(syllables(0.5)[: HSF.support + (rows - 1) * HSF.hop])
    assert len(described) == rows
    assert np.isfinite(HSF.summarise([described])).all()


TIME_S = np.arange(2 * RATE) / RATE
HARD = {
    "silence": np.zeros(2 * RATE),
    "a constant": np.full(2 * RATE, 0.5),
    "a pure tone": 0.5 * np.sin(2 * np.pi * 440 * TIME_S),
    "a tone at Nyquist": np.tile([0.5, -0.5], RATE),
    "white noise": np.random.default_rng(0).normal(0, 0.1, 2 * RATE),
    "clipped speech": np.clip(40 * syllables(2), -1, 1),
    "one click": np.eye(1, 2 * RATE, RATE)[0],
    "the smallest steps": np.random.default_rng(1).integers(-1, 2, 2 * RATE) / 32768,
    "far beyond full scale": 1e4 * syllables(2),
    "a tenth of a second": syllables(0.1),
}


@pytest.mark.parametrize("name", HARD)
def test_hard_sounds_give_finite_rows_and_features(name: str) -> None:
    rows = HSF.describe(np.asarray(HARD[name], np.float32))
    assert np.isfinite(rows).all()
    assert np.isfinite(HSF.summarise([rows])).all()


def test_ten_minutes_are_one_segment_like_any_other() -> None:
    rows = HSF.describe(np.tile(syllables(60), 10))
    assert np.isfinite(HSF.summarise([rows])).all()


def test_silence_is_unvoiced_and_still() -> None:
    found = features(np.zeros(RATE, np.float32))
    assert found["F0final_sma_ff0_nnz"] == 0
    assert found["pcm_RMSenergy_sma_amean"] == 0
    assert found["mfcc_sma[1]_rqmean"] == 0


def test_loudness_follows_the_level() -> None:
    quiet, loud = features(0.1 * syllables(2)), features(syllables(2))
    assert loud["pcm_RMSenergy_sma_amean"] == pytest.approx(10 * quiet["pcm_RMSenergy_sma_amean"], rel=1e-3)
    assert loud["audspec_lengthL1norm_sma_amean"] > 3 * quiet["audspec_lengthL1norm_sma_amean"]


def test_a_tone_has_its_frequency_as_centroid() -> None:
    found = features((0.5 * np.sin(2 * np.pi * 1000 * TIME_S)).astype(np.float32))
    assert found["pcm_fftMag_spectralCentroid_sma_amean"] == pytest.approx(1000, abs=5)
    assert found["pcm_zcr_sma_amean"] == pytest.approx(2 * 1000 / RATE, rel=0.02)

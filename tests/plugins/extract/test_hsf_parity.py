"""HSF agrees with openSMILE, on clips made here and on the corpora where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stimmung.engine.types import Floats
from stimmung.plugins.extract.hsf import Hsf
from stimmung.plugins.extract.opensmile import OpenSmile
from stimmung.pretrain.bench.hsf import Parity, clips, compare, families
from support import syllables

pytest.importorskip("opensmile", reason="openSMILE is not installed: pip install stimmung[opensmile]")

HSF = Hsf()


@pytest.fixture(scope="module")
def smile() -> OpenSmile:
    return OpenSmile()


def quantised(samples: Floats) -> Floats:
    """As 16-bit samples, which is all that openSMILE ever hears."""
    return (np.round(np.clip(samples, -1, 32767 / 32768) * 32768) / 32768).astype(np.float32)


def result(smile: OpenSmile, speech: list[Floats]) -> Parity:
    ours = [HSF.summarise([HSF.describe(samples)])[0] for samples in speech]
    theirs = [smile.functionals(samples) for samples in speech]
    return compare(np.array(ours), np.array(theirs))


def share(parity: Parity) -> float:
    return float((np.array(parity.r) >= 0.99).mean())


def test_the_names_are_those_of_opensmile_in_the_same_order(smile: OpenSmile) -> None:
    assert HSF.feature_names() == smile.feature_names()


def test_features_of_synthetic_speech_agree(smile: OpenSmile) -> None:
    speech = [
        quantised(syllables(seconds, seed)) for seed, seconds in enumerate([1, 1.5, 2, 3, 2.2, 1.3, 4, 2.7])
    ]
    parity = result(smile, speech)
    assert share(parity) >= 0.95
    assert np.median(parity.r) >= 0.999


def test_features_of_recorded_speech_agree(smile: OpenSmile, corpora: Path) -> None:
    parity = result(smile, [samples for _, samples in clips(corpora, 10)])
    assert share(parity) >= 0.95
    assert np.median(parity.r) >= 0.999
    assert sum(int(str(row["features"])) for row in families(parity)[:-1]) == 6373

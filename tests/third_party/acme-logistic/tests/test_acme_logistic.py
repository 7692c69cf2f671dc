"""The regression keeps the contract and knows its own examples."""

import numpy as np
import pytest
from acme_logistic import Logistic


@pytest.mark.stimmung("acme-logistic")
def test_it_keeps_its_contract(conformance):
    conformance()


def test_it_knows_its_own_examples():
    rows = np.array([[95, 15, 0.5], [240, 45, 0.45]], np.float32)
    low, high = Logistic(**Logistic.example).predict([rows])
    assert Logistic(**Logistic.example).labels == ("high", "low")
    assert low[1] > 0.8
    assert high[0] > 0.8

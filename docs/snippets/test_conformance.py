import pytest


@pytest.mark.stimmung("webrtc")
def test_it_keeps_its_contract(conformance):
    conformance()

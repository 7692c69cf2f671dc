"""What rows are told beside the label is of the speech they hear, and only of it."""

from __future__ import annotations

import pytest
import torch
from stimmung.plugins.extract.sample_cnn.network import SampleCnn
from stimmung.pretrain.auxiliary import BANDS, Described

RATE, LOCAL = 16000, 101


@pytest.fixture
def described() -> Described:
    torch.manual_seed(0)
    return Described(SampleCnn([4, 4, 4, 4, 4, 4, 8], LOCAL), RATE)


def voices(*pitches_hz: float) -> torch.Tensor:
    time_s = torch.arange(RATE) / RATE
    tones = [sum(torch.sin(2 * torch.pi * k * hz * time_s) / k for k in (1, 2, 3)) for hz in pitches_hz]
    noise = torch.randn(len(tones), RATE, generator=torch.Generator().manual_seed(1))
    return 0.1 * torch.stack(tones) + 0.01 * noise


def test_every_row_of_the_network_is_described(described: Described) -> None:
    network = SampleCnn([4, 4, 4, 4, 4, 4, 8], LOCAL)
    rows, told = network(voices(100, 200)), described.describe(voices(100, 200))
    assert told.shape == (*rows.shape[:2], BANDS + 14 * RATE // 1000)


def test_the_period_of_a_voice_is_told(described: Described) -> None:
    periods = described.describe(voices(100, 200, 160, 320))[..., BANDS:].mean(dim=1)
    lag = {hz: round(RATE / hz) - 2 * RATE // 1000 for hz in (100, 160)}
    assert periods[0, lag[100]] > periods[2, lag[100]]
    assert periods[2, lag[160]] > periods[0, lag[160]]


def test_how_loud_a_crop_is_does_not_matter(described: Described) -> None:
    quiet = voices(100, 200, 300)
    loud = quiet * torch.tensor([[1.0], [4.0], [0.5]])
    torch.testing.assert_close(described.describe(loud), described.describe(quiet), atol=0.05, rtol=0)


def test_rows_that_hold_the_description_learn_to_tell_it(described: Described) -> None:
    samples = voices(100, 150, 200, 250, 300, 350)
    rows = described.describe(samples)[..., ::33].contiguous()
    optimiser = torch.optim.Adam(described.parameters(), 0.01)
    before = described(rows, samples).item()
    for _ in range(200):
        optimiser.zero_grad()
        loss = described(rows, samples)
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.5 * before

"""What a row of SampleCNN is told beside the label: the spectrum and the periodicity of the speech it hears.

A label a crop says little about what a voice is made of, and there are few voices to learn it from. Rows that
must also predict the log-mel spectrum and the autocorrelation of the crop as it was recorded, before its
filter and noise, cannot settle for a microphone (Pascual et al. 2019, "Learning Problem-agnostic Speech
Representations from Multiple Self-supervised Tasks", section 2.2). The head is thrown away.
"""

from __future__ import annotations

import torch
from stimmung.engine import torchaudio_guard
from stimmung.plugins.extract.sample_cnn.network import SampleCnn
from torch import Tensor, nn

BANDS = 40
LEAST = 1e-6  # of a band's power, and of a deviation
SHORTEST_MS, LONGEST_MS = 2, 16  # periods of voices from 62 to 500 Hz


class Described(nn.Module):
    """The mean squared error of a dense layer's guess at each row's description; both standardised."""

    bank: Tensor
    window: Tensor

    def __init__(self, network: SampleCnn, rate: int) -> None:
        super().__init__()
        self._hop, self._local = network.hop, network.local
        self._points = 1 << (2 * network.hop - 1).bit_length()
        self._lags = range(SHORTEST_MS * rate // 1000, LONGEST_MS * rate // 1000)
        bins = self._points // 2 + 1
        torchaudio_guard.install()
        from torchaudio.functional import melscale_fbanks

        bank = melscale_fbanks(bins, 0.0, rate / 2, BANDS, rate, norm="slaney")
        self.register_buffer("bank", bank, persistent=False)
        self.register_buffer("window", torch.hann_window(network.hop), persistent=False)
        self.dense = nn.Linear(network.top.filters.out_features, BANDS + len(self._lags))

    def forward(self, rows: Tensor, recorded: Tensor) -> Tensor:
        """The loss of rows (batch, rows, filters) over the samples (batch, n) as they were recorded."""
        guess = self.dense(rows)
        errors = nn.functional.mse_loss(guess, self.describe(recorded), reduction="none").mean(dim=(0, 1))
        return (errors[:BANDS].mean() + errors[BANDS:].mean()) / 2

    def describe(self, recorded: Tensor) -> Tensor:
        """(batch, n) → (batch, rows, bands + lags), each of mean 0 and deviation 1 over the batch.

        Bands are relative to the whole crop's level: a crop may become louder before it is heard.
        """
        half = self._local // 2
        frames = recorded[:, half : recorded.shape[1] - half].unfold(1, self._hop, self._hop)
        power = torch.fft.rfft(frames * self.window, self._points).abs() ** 2
        bands = torch.log(power @ self.bank + LEAST)
        correlation = torch.fft.irfft(power)
        periods = correlation[..., self._lags.start : self._lags.stop] / (correlation[..., :1] + LEAST)
        told = torch.cat([bands - bands.mean(dim=(1, 2), keepdim=True), periods], dim=2)
        spread, mean = torch.std_mean(told, dim=(0, 1))
        return (told - mean) / (spread + LEAST)

"""DeepSpectrum: the picture of a segment, and what a network trained on photographs makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from stimmung.engine.errors import ConfigError, ModelError
from stimmung.plugins.extract.deep_spectrum import BANDS, DeepSpectrum
from support import RATE, syllables


@pytest.fixture(scope="module")
def plugin() -> DeepSpectrum:
    return DeepSpectrum()


def test_a_tone_lights_the_band_of_its_pitch(plugin: DeepSpectrum) -> None:
    time_s = np.arange(RATE) / RATE
    loudest = [
        plugin.describe(np.sin(2 * np.pi * hz * time_s).astype(np.float32))[50].argmax()
        for hz in (200, 1000, 4000)
    ]
    assert loudest == sorted(loudest)
    assert loudest[0] < BANDS / 4 < loudest[1] < 3 * BANDS / 4 < loudest[2]


def test_rows_come_every_10_ms_and_see_25(plugin: DeepSpectrum) -> None:
    speech = syllables(1.0)
    rows = plugin.describe(speech)
    assert rows.shape == (98, BANDS)
    np.testing.assert_allclose(plugin.describe(speech[1600:2000])[0], rows[10], atol=1e-3)
    assert plugin.describe(speech[:399]).shape == (0, BANDS)


def test_the_picture_spans_the_colour_map_with_low_bands_at_the_bottom(plugin: DeepSpectrum) -> None:
    decibels = np.full((3, BANDS), -200.0, np.float32)
    decibels[1, 0] = 0.0
    image = plugin._image(decibels)
    assert image.shape == (BANDS, 3, 3)
    dark, yellow = (68, 1, 84), (253, 231, 37)  # the ends of viridis
    np.testing.assert_allclose(image[-1, 1], yellow, atol=1)
    np.testing.assert_allclose(image[0, 0], dark, atol=1)


def test_features_are_1280_activations_that_differ_with_the_voice(plugin: DeepSpectrum) -> None:
    one, other = plugin.describe(syllables(2.0)), plugin.describe(syllables(2.0, seed=3)[::-1].copy())
    features = plugin.summarise([one, other, one])
    assert features.shape == (3, 1280)
    assert np.isfinite(features).all()
    np.testing.assert_allclose(features[0], features[2], atol=1e-5)
    assert np.abs(features[0] - features[1]).max() > 0.1


def test_loudness_alone_does_not_change_the_picture(plugin: DeepSpectrum) -> None:
    speech = syllables(2.0)
    features = plugin.summarise([plugin.describe(speech), plugin.describe(0.5 * speech)])
    assert np.abs(features[0] - features[1]).max() < 0.2


def test_unknown_colours_and_foreign_models_are_refused() -> None:
    with pytest.raises(ConfigError, match="matplotlib has no colour map 'rainbows'"):
        DeepSpectrum(colours="rainbows")
    with pytest.raises(ModelError, match="model 'emotion_hsf_svm' is not for the plugin 'deep_spectrum'"):
        DeepSpectrum("emotion_hsf_svm")

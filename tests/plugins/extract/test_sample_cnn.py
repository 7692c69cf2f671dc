"""SampleCNN over a stream: rows are local, features are those of the window alone, weights are checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from stimmung.engine.config.schema import describe
from stimmung.engine.errors import ModelError
from stimmung.engine.runtime.host import Host
from stimmung.engine.types import Features
from stimmung.plugins.extract.sample_cnn import FILE, SampleCnn
from stimmung.plugins.extract.sample_cnn.network import Gender
from stimmung.plugins.extract.sample_cnn.network import SampleCnn as Network
from support import RATE, cut, every, syllables
from tiny import LOCAL, save_sample_cnn, small_sample_cnn

HOP = 27


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sample_cnn(tmp_path_factory.mktemp("models") / "small")


def test_the_papers_network_gives_768_responses_every_6561_samples() -> None:
    filters = [4, 4, 4, 4, 4, 4, 4, 4, 768]
    paper = Network(filters, 1601)
    assert (paper.hop, paper.support) == (6561, 8161)
    assert paper(torch.zeros(2, 80000)).shape == (2, (80000 - 8161) // 6561 + 1, 768)


def test_folding_the_normalisation_changes_nothing() -> None:
    samples = torch.from_numpy(syllables(1.0))[None]
    with torch.inference_mode():
        before = small_sample_cnn()(samples)
        torch.testing.assert_close(small_sample_cnn().fold()(samples), before, rtol=1e-5, atol=1e-6)


def test_it_is_deaf_to_a_constant_offset(model: Path) -> None:
    cnn, samples = SampleCnn(str(model)), syllables(1.0)
    np.testing.assert_allclose(cnn.describe(samples + np.float32(0.25)), cnn.describe(samples), atol=1e-5)


def test_a_row_sees_its_support_and_nothing_else(model: Path) -> None:
    cnn = SampleCnn(str(model))
    assert (cnn.hop, cnn.support) == (HOP, HOP + LOCAL - 1)
    samples = np.random.default_rng(0).normal(0, 0.1, 10 * HOP + cnn.support).astype(np.float32)
    rows = cnn.describe(samples)
    assert rows.shape == (11, 16)
    for row in (0, 4, 10):
        alone = cnn.describe(samples[row * HOP : row * HOP + cnn.support])
        np.testing.assert_allclose(alone, rows[row : row + 1], atol=1e-5)
        changed = samples.copy()
        changed[: row * HOP] = 0.5
        changed[row * HOP + cnn.support :] = -0.5
        np.testing.assert_allclose(cnn.describe(changed)[row], rows[row], atol=1e-5)


def test_audio_shorter_than_a_row_gives_none(model: Path) -> None:
    assert SampleCnn(str(model)).describe(np.zeros(HOP, np.float32)).shape == (0, 16)


def test_a_segment_is_the_mean_and_the_maximum_of_its_rows(model: Path) -> None:
    rows = np.arange(32, dtype=np.float32).reshape(2, 16)
    (features,) = SampleCnn(str(model)).summarise([rows])
    assert features.tolist() == [*range(8, 24), *range(16, 32)]


@pytest.mark.parametrize("size", [37, 1600])
@pytest.mark.parametrize(("window_s", "hop_s"), [(160 * HOP / RATE, 20 * HOP / RATE), (0.25, 0.05)])
def test_features_of_a_window_of_a_stream_are_those_of_its_samples_alone(
    model: Path, window_s: float, hop_s: float, size: int
) -> None:
    """Its rows are those of the stream's grid: from the first of them on, the samples alone give the same."""
    cnn, samples = SampleCnn(str(model)), syllables(2.0)
    tables = {
        "stream": {"dc": "keep"},
        "segments": {"window_s": window_s, "hop_s": hop_s, "shortest_s": window_s},
        "extractors": [{"plugin": "sample_cnn", "model": str(model)}],
    }
    with Host(describe(tables, "the test")) as host:
        outputs = list(host.stream("s", features=True).play(cut(samples, every(size))))
    windows = [output for output in outputs if isinstance(output, Features)]
    assert len(windows) > 30
    for window in windows:
        on_grid = -(-window.span.start // HOP) * HOP
        alone = cnn.summarise([cnn.describe(samples[on_grid : window.span.stop])])[0]
        np.testing.assert_allclose(window.values, alone, atol=1e-5)


def test_the_pretraining_averages_a_softmax_over_the_rows() -> None:
    gender = Gender(small_sample_cnn(), 2, dropout=0.5).eval()
    samples = torch.from_numpy(syllables(0.2))[None]
    with torch.inference_mode():
        rows = torch.softmax(gender.dense(gender.network(samples)), dim=2)[0]
        torch.testing.assert_close(gender(samples)[0], rows.mean(dim=0))


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    def refused(model: Path | str) -> str:
        with pytest.raises(ModelError) as caught:
            SampleCnn(str(model))
        return str(caught.value)

    assert "no model 'nowhere'" in refused("nowhere")
    assert "is not for the plugin 'sample_cnn'" in refused(save_sample_cnn(tmp_path / "other", plugin="svm"))
    assert "holds no SampleCNN" in refused(
        save_sample_cnn(tmp_path / "wide", header='{"filters": [9,9,9,9], "local": 33}')
    )
    assert "holds no SampleCNN" in refused(save_sample_cnn(tmp_path / "mute", header="?"))
    altered = save_sample_cnn(tmp_path / "altered")
    (altered / FILE).write_bytes((altered / FILE).read_bytes()[:-1] + b"\0")
    assert "does not match its card" in refused(altered)


def test_the_shipped_network_describes_speech() -> None:
    cnn = SampleCnn()
    features = cnn.summarise([cnn.describe(syllables(5.0))])
    assert features.shape == (1, 1536)
    assert np.isfinite(features).all()
    assert (features >= 0).all()

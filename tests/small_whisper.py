"""A Whisper of random weights, small enough to be made for the tests, in both formats it is published in."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

WIDTH, HEADS, LAYERS = 32, 4, 3
TYPES = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}


def small_whisper(**changes: Any) -> Any:
    """A WhisperModel for inference, its weights exact in half precision as OpenAI's are."""
    torch.manual_seed(0)
    config = {
        "d_model": WIDTH, "encoder_layers": LAYERS, "encoder_attention_heads": HEADS, "encoder_ffn_dim": 48,
        "decoder_layers": 1, "decoder_attention_heads": 2, "decoder_ffn_dim": 24, "vocab_size": 60,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 3,
    }  # fmt: skip
    model = transformers.WhisperModel(transformers.WhisperConfig(**config | changes)).eval()
    with torch.no_grad():
        for name, value in model.encoder.named_parameters():
            if "embed_positions" not in name:
                value.add_(torch.randn_like(value) * 0.1)
        for value in model.parameters():
            value.copy_(value.half())
    return model


def save_checkpoint(folder: Path, model: Any) -> Path:
    """The folder, as transformers saves it."""
    model.save_pretrained(folder)
    transformers.WhisperFeatureExtractor().save_pretrained(folder)
    return folder


def ctranslate2_arrays(model: Any, dtype: str = "float16") -> dict[str, np.ndarray]:
    """What the encoder's weights are called, and how they are laid out, in CTranslate2."""
    state = {name: value.numpy().astype(dtype) for name, value in model.encoder.state_dict().items()}
    arrays = {
        "encoder/num_heads": np.array(model.config.encoder_attention_heads, np.int16),
        "encoder/position_encodings/encodings": state["embed_positions.weight"],
    }
    for name in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            arrays[f"encoder/{name}/{part}"] = state[f"{name}.{part}"]
    for layer in range(model.config.encoder_layers):
        ours, theirs = f"encoder/layer_{layer}/", f"layers.{layer}."
        for norm, name in (("self_attention", "self_attn_layer_norm"), ("ffn", "final_layer_norm")):
            arrays[f"{ours}{norm}/layer_norm/gamma"] = state[f"{theirs}{name}.weight"]
            arrays[f"{ours}{norm}/layer_norm/beta"] = state[f"{theirs}{name}.bias"]
        for part in ("weight", "bias"):
            arrays[f"{ours}self_attention/linear_1/{part}"] = state[f"{theirs}self_attn.out_proj.{part}"]
            arrays[f"{ours}ffn/linear_0/{part}"] = state[f"{theirs}fc1.{part}"]
            arrays[f"{ours}ffn/linear_1/{part}"] = state[f"{theirs}fc2.{part}"]
            three = [
                state.get(f"{theirs}self_attn.{one}_proj.{part}", np.zeros(WIDTH, dtype)) for one in "qkv"
            ]
            arrays[f"{ours}self_attention/linear_0/{part}"] = np.concatenate(three)
    return arrays


def ctranslate2_file(
    arrays: Mapping[str, np.ndarray], aliases: Mapping[str, str] | None = None, version: int = 6
) -> bytes:
    """A model.bin, as CTranslate2's model_spec.py writes it."""

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    parts = [struct.pack("<I", version), text("WhisperSpec"), struct.pack("<II", 3, len(arrays))]
    for name, array in arrays.items():
        parts += [text(name), struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)]
        parts += [struct.pack("<BI", TYPES[array.dtype.name], array.nbytes), array.tobytes()]
    parts.append(struct.pack("<I", len(aliases or {})))
    parts += [text(alias) + text(name) for alias, name in (aliases or {}).items()]
    return b"".join(parts)

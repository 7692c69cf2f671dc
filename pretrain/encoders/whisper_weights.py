"""The weights of Whisper's encoder, read from a transformers checkpoint or a file of CTranslate2.

Both hold the same numbers under other names; here they have those of CTranslate2, in half precision, the
precision in which OpenAI published them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
from stimmung.engine.errors import ConfigError, ModelError

Array = npt.NDArray[Any]
VERSIONS = (4, 5, 6)  # of CTranslate2's binary format
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
PREFIX = "encoder/"
# Names in CTranslate2 → names in transformers, of one layer.
LAYER = {
    "self_attention/layer_norm/gamma": "self_attn_layer_norm.weight",
    "self_attention/layer_norm/beta": "self_attn_layer_norm.bias",
    "self_attention/linear_1/weight": "self_attn.out_proj.weight",
    "self_attention/linear_1/bias": "self_attn.out_proj.bias",
    "ffn/layer_norm/gamma": "final_layer_norm.weight",
    "ffn/layer_norm/beta": "final_layer_norm.bias",
    "ffn/linear_0/weight": "fc1.weight",
    "ffn/linear_0/bias": "fc1.bias",
    "ffn/linear_1/weight": "fc2.weight",
    "ffn/linear_1/bias": "fc2.bias",
}
STEM = {
    "conv1/weight": "conv1.weight",
    "conv1/bias": "conv1.bias",
    "conv2/weight": "conv2.weight",
    "conv2/bias": "conv2.bias",
    "positions": "embed_positions.weight",
}


@dataclass(frozen=True)
class EncoderWeights:
    """Float16 arrays by name, and what their shapes do not say: attention heads, transformer layers."""

    arrays: Mapping[str, Array]
    heads: int
    layers: int

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    @property
    def bands(self) -> int:
        """Of the log-mel spectrum."""
        return int(self["conv1/weight"].shape[1])

    @property
    def width(self) -> int:
        """Of an output."""
        return int(self["conv1/weight"].shape[0])


def from_ctranslate2(data: bytes, where: str) -> EncoderWeights:
    """The weights of a model.bin in float16 or float32; raises ModelError, naming it as ``where``."""
    try:
        arrays = _variables(data)
        found = {
            name.removeprefix(PREFIX).replace("position_encodings/encodings", "positions"): array
            for name, array in arrays.items()
            if name.startswith(PREFIX)
        }
        heads = int(found["num_heads"])
        return _checked(found.__getitem__, heads, _count(found, "layer_{}/ffn/linear_0/weight"))
    except (struct.error, KeyError, ValueError, UnicodeDecodeError) as error:
        raise ModelError(
            f"'{where}' holds no encoder of Whisper",
            got=repr(error),
            expected="the model.bin of a conversion of Whisper by CTranslate2, float16 or float32",
        ) from error


def from_transformers(name: str) -> EncoderWeights:
    """The weights of a checkpoint by its name on the hub or its folder; raises ModelError.

    Reads safetensors and nothing else.
    """
    try:
        transformers: Any = import_module("transformers")
    except ImportError as error:
        raise ConfigError(
            "a checkpoint of transformers cannot be read",
            got=str(error),
            remedy="pip install 'stimmung[deep]'",
        ) from error
    try:
        model = transformers.WhisperModel.from_pretrained(name, use_safetensors=True)
        if (used := model.config.activation_function) != "gelu":
            raise ValueError(f"activation function {used}")
        arrays = {key: value.float().numpy() for key, value in model.encoder.state_dict().items()}
        return _checked(
            lambda wanted: _renamed(arrays, wanted),
            int(model.config.encoder_attention_heads),
            int(model.config.encoder_layers),
        )
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(
            f"'{name}' is no checkpoint of Whisper",
            got=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
            expected="a name on the hub such as openai/whisper-base, or a folder with config and safetensors",
        ) from error


def _renamed(arrays: Mapping[str, Array], wanted: str) -> Array:
    """An array of transformers' encoder by its name in CTranslate2."""
    if wanted in STEM:
        return arrays[STEM[wanted]]
    layer, _, part = wanted.partition("/")
    prefix = f"layers.{layer.removeprefix('layer_')}."
    if part in LAYER:
        return arrays[prefix + LAYER[part]]
    # Query, key and value are one matrix in CTranslate2; keys have no bias.
    end = part.rpartition("/")[2]
    query, value = (arrays[f"{prefix}self_attn.{one}_proj.{end}"] for one in "qv")
    key = arrays[f"{prefix}self_attn.k_proj.weight"] if end == "weight" else np.zeros_like(query)
    return np.concatenate([query, key, value])


def _checked(read: Callable[[str], Array], heads: int, layers: int) -> EncoderWeights:
    """All arrays the encoder needs, in float16; raises KeyError or ValueError."""
    parts = [*LAYER, "self_attention/linear_0/weight", "self_attention/linear_0/bias"]
    names = [*STEM, *(f"layer_{layer}/{part}" for layer in range(layers) for part in parts)]
    arrays = {}
    for name in names:
        array = read(name)
        if array.dtype not in (np.float16, np.float32):
            raise ValueError(f"{name} is {array.dtype}")
        with np.errstate(over="ignore"):
            arrays[name] = np.asarray(array, np.float16)
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} does not fit into float16")
    return EncoderWeights(arrays, heads, layers)


def _count(arrays: Mapping[str, Array], name: str) -> int:
    count = 0
    while name.format(count) in arrays:
        count += 1
    return count


def _variables(data: bytes) -> dict[str, Array]:
    """The arrays of CTranslate2's binary format, as model.cc reads it: variables, then aliases of them."""
    position = 0

    def number(kind: str) -> int:
        nonlocal position
        (value,) = struct.unpack_from(f"<{kind}", data, position)
        position += struct.calcsize(f"<{kind}")
        return int(value)

    def text() -> str:
        nonlocal position
        length = number("H")
        position += length
        return data[position - length : position - 1].decode()  # ends in a zero

    if (version := number("I")) not in VERSIONS:
        raise ValueError(f"version {version} of the binary format")
    text()  # the kind of model
    number("I")  # its revision
    arrays: dict[str, Array] = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        kind = np.dtype(TYPES[number("B")])
        size = number("I")
        arrays[name] = np.frombuffer(data, kind, size // kind.itemsize, position).reshape(shape)
        position += size
    for _ in range(number("I")):
        alias = text()
        arrays[alias] = arrays[text()]
    return arrays

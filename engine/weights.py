"""Weights of a model: named arrays in a safetensors file, and the settings of the network they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from .errors import ModelError
from .types import Floats

T = TypeVar("T", bound=msgspec.Struct)
HEADER = "network"


def read_weights(path: Path, settings: type[T]) -> tuple[T, dict[str, Floats]]:
    """(the checked settings, name → float32 array) of a file; raises ModelError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            header = msgspec.json.decode((file.metadata() or {}).get(HEADER, ""), type=settings)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, msgspec.DecodeError, OSError) as error:
        raise ModelError(
            f"model file '{path}' holds no such network", got=str(error), remedy="train the model again"
        ) from error
    return header, {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def write_weights(path: Path, settings: msgspec.Struct, arrays: Mapping[str, Floats]) -> None:
    """Writes what :func:`read_weights` reads."""
    from safetensors.numpy import save_file

    header = {HEADER: msgspec.json.encode(settings).decode()}
    save_file({name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}, path, header)


def misfit(path: Path, error: Exception) -> ModelError:
    """The error for weights that lack an array or have one of a wrong shape."""
    return ModelError(
        f"the weights of '{path}' do not fit their network", got=repr(error), remedy="train the model again"
    )

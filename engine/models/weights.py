"""Weights of a model: named arrays in a safetensors file, and in its header what they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from ..types import Floats

T = TypeVar("T", bound=msgspec.Struct)
HEADER = "network"


def read_arrays(path: Path, what: str) -> tuple[dict[str, str], dict[str, npt.NDArray[Any]]]:
    """(the header, name → array of its own type) of a file; raises ModelError, holds no ``what``."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, OSError) as error:
        raise holds_no(what, path, error) from error


def write_arrays(path: Path, header: dict[str, str], arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Writes what :func:`read_arrays` reads."""
    from safetensors.numpy import save

    # Written here and not by safetensors, whose files only their owner may read.
    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, header))


def read_weights(path: Path, settings: type[T]) -> tuple[T, dict[str, Floats]]:
    """(the checked settings, name → float32 array) of a file; raises ModelError."""
    header, arrays = read_arrays(path, "such network")
    try:
        network = msgspec.json.decode(header.get(HEADER, ""), type=settings)
    except msgspec.DecodeError as error:
        raise holds_no("such network", path, error) from error
    return network, {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def write_weights(path: Path, settings: msgspec.Struct, arrays: Mapping[str, Floats]) -> None:
    """Writes what :func:`read_weights` reads."""
    header = {HEADER: msgspec.json.encode(settings).decode()}
    write_arrays(path, header, {name: np.asarray(array, np.float32) for name, array in arrays.items()})


def holds_no(what: str, path: Path, error: Exception) -> ModelError:
    """The error for a file that something else was expected in."""
    return ModelError(f"model file '{path}' holds no {what}", got=repr(error), remedy="train the model again")


def misfit(path: Path, error: Exception) -> ModelError:
    """The error for weights that lack an array or have one of a wrong shape."""
    return ModelError(
        f"the weights of '{path}' do not fit their network", got=repr(error), remedy="train the model again"
    )

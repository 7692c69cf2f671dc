"""The populations of a model's inputs, kept beside its weights and named by its card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .cards import Card
from .errors import ModelError
from .normalise import Population

FILE = "population.safetensors"
PRIOR = "prior_s"


def read_populations(folder: Path, card: Card) -> tuple[Population | None, ...]:
    """The population of each input of the verified model in ``folder``, none if it has none; ModelError."""
    from safetensors import SafetensorError, safe_open

    if FILE not in card.files:
        return ()
    path = folder / FILE
    try:
        with safe_open(path, "numpy") as file:
            prior_s = float((file.metadata() or {})[PRIOR])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tuple(
            Population.of(arrays[f"{one.name}.mean"], arrays[f"{one.name}.deviation"], prior_s)
            if f"{one.name}.mean" in arrays
            else None
            for one in card.inputs
        )
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ModelError(
            f"model file '{path}' holds no population", got=repr(error), remedy="train the model again"
        ) from error


def write_populations(folder: Path, populations: Mapping[str, Population], prior_s: float) -> None:
    """Writes what :func:`read_populations` reads, by the name of the input; a card is written after."""
    from safetensors.numpy import save_file

    arrays = {
        f"{name}.{part}": np.frombuffer(getattr(one, part), "<f4")
        for name, one in populations.items()
        for part in ("mean", "deviation")
    }
    save_file(arrays, folder / FILE, {PRIOR: repr(prior_s)})

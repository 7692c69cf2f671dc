"""The populations of a model's inputs, kept beside its weights and named by its card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt

from .cards import Card
from .weights import holds_no, read_arrays, write_arrays

FILE = "population.safetensors"
PRIOR = "prior_s"
WHAT = "population"


class Population(msgspec.Struct, frozen=True):
    """How one input of a classifier is distributed over the people it was trained on.

    ``mean`` is that of the speakers' means and ``deviation`` that within a speaker, each (dim,) as
    little-endian float32; ``prior_s``: the seconds of speech that they count for.
    """

    mean: bytes
    deviation: bytes
    prior_s: float

    @classmethod
    def of(cls, mean: npt.ArrayLike, deviation: npt.ArrayLike, prior_s: float) -> Self:
        """From two vectors, (dim,)."""
        return cls(np.asarray(mean, "<f4").tobytes(), np.asarray(deviation, "<f4").tobytes(), prior_s)

    @property
    def dim(self) -> int:
        """The number of features, 0 where the two vectors differ in length."""
        return len(self.mean) // 4 if len(self.mean) == len(self.deviation) else 0


def read_populations(folder: Path, card: Card) -> tuple[Population | None, ...]:
    """The population of each input of the verified model in ``folder``, none if it has none; ModelError."""
    if FILE not in card.files:
        return ()
    path = folder / FILE
    header, arrays = read_arrays(path, WHAT)
    try:
        prior_s = float(header[PRIOR])
        return tuple(
            Population.of(arrays[f"{one.name}.mean"], arrays[f"{one.name}.deviation"], prior_s)
            if f"{one.name}.mean" in arrays
            else None
            for one in card.inputs
        )
    except (KeyError, ValueError) as error:
        raise holds_no(WHAT, path, error) from error


def write_populations(folder: Path, populations: Mapping[str, Population], prior_s: float) -> None:
    """Writes what :func:`read_populations` reads, by the name of the input; a card is written after."""
    arrays = {
        f"{name}.{part}": np.frombuffer(getattr(one, part), "<f4")
        for name, one in populations.items()
        for part in ("mean", "deviation")
    }
    write_arrays(folder / FILE, {PRIOR: repr(prior_s)}, arrays)

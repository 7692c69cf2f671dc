"""The rows of a recording kept on disk: what is known is neither decoded nor altered nor cut again.

:mod:`stimmung.engine.batch.feature_cache` keeps features by extractor, to which the segments must be known.
Here an entry is named after the recording as it is heard and all that decides what is cut from it and
computed. One that is damaged is none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import msgspec
import numpy as np
import safetensors
import safetensors.numpy
from msgspec import UNSET
from stimmung.engine.batch.feature_cache import model_hashes
from stimmung.engine.calls.spec import PluginSpec
from stimmung.engine.types import Floats, read_only

from ..recipes.recipe import Extraction
from ..statistics.bootstrap import Doubles

FORMAT = 1
FOLDER = "rows"
ABOUT = ("length", "speech", "window_s")


@dataclass(frozen=True, slots=True)
class Vector:
    """The features of one segment of a recording by input; ``length`` and new ``speech`` in samples."""

    features: dict[str, Floats]
    length: int
    speech: int
    window_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Kept:
    """All rows of one recording, the digest of its samples and their ``seconds``."""

    vectors: list[Vector]
    digest: str
    seconds: float


class RowCache:
    """The rows that one recipe's extraction makes of recordings, below ``folder``."""

    def __init__(self, folder: Path, recipe: Extraction, facts: Mapping[str, PluginSpec]) -> None:
        self._folder, self._names = folder / FOLDER, [table.name for table in recipe.extractors]
        decided = {
            "format": FORMAT,
            "rate": recipe.rate,
            "windows_s": recipe.windows_s,
            "shortest_s": recipe.shortest_s,
            "by_stream": recipe.by_stream or recipe.segments is not UNSET,
            "segments": _plain(recipe.segments),
            "activity": _plain(recipe.activity),
            "extractors": [
                {**msgspec.to_builtins(table), "version": facts[table.name].version}
                | {"models": model_hashes(table.options)}
                for table in recipe.extractors
            ],
            "libraries": {name: metadata.version(name) for name in ("soundfile", "soxr", "stimmung")},
        }
        self._settings = json.dumps(decided, sort_keys=True)

    def read(self, heard: str) -> Kept | None:
        """The rows of the recording that is known as ``heard``, None where none are kept."""
        path = self._path(heard)
        try:
            with safetensors.safe_open(path, "numpy") as file:
                about = file.metadata()
                arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            lengths, speech, windows = (arrays[name].tolist() for name in ABOUT)
            features = [arrays[f"features.{name}"] for name in self._names]
            vectors = [
                Vector(
                    {name: read_only(matrix[k]) for name, matrix in zip(self._names, features, strict=True)},
                    int(length),
                    int(speech[k]),
                    windows[k],
                )
                for k, length in enumerate(lengths)
            ]
            return Kept(vectors, about["digest"], float(about["seconds"]))
        except (OSError, safetensors.SafetensorError, KeyError, IndexError, TypeError, ValueError):
            return None

    def write(self, heard: str, rows: Kept) -> None:
        """Keeps the rows of a recording."""
        path = self._path(heard)
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Doubles | Floats] = {
            name: np.array([getattr(vector, name) for vector in rows.vectors], np.float64) for name in ABOUT
        }
        arrays |= {f"features.{name}": _stacked(rows.vectors, name) for name in self._names}
        about = {"digest": rows.digest, "seconds": repr(rows.seconds)}
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_bytes(safetensors.numpy.save(arrays, about))
        part.replace(path)

    def _path(self, heard: str) -> Path:
        key = hashlib.sha256(f"{heard} {self._settings}".encode()).hexdigest()
        return self._folder / key[:2] / key[2:]


def _plain(table: object) -> object:
    return None if table is UNSET else msgspec.to_builtins(table)


def _stacked(vectors: Sequence[Vector], name: str) -> Floats:
    if not vectors:
        return np.zeros((0, 0), np.float32)
    return np.stack([vector.features[name] for vector in vectors])

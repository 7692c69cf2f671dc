"""Features kept on disk, so that a second classifier over the same audio costs no extraction.

An entry is named after all that decides its numbers: the bytes of the audio file, the plugin with its
version, options and models, how the stream is cut into segments and which of them are silent, and the
libraries that decode and resample. Whatever changes one of them finds no entry and computes anew. An entry
that is damaged or was left half written is none.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..calls.spec import PluginSpec
from ..config.schema import PipelineConfig
from ..config.toml import Options
from ..errors import ConfigError, ModelError
from ..models.cards import CARD, content, find_model
from ..streaming.pipeline import PrecomputedFeatures
from ..types import read_only

FORMAT = 1


class FeatureCache:
    """The features of one pipeline's extractors below ``folder``, which any number of processes share."""

    def __init__(self, folder: Path, description: PipelineConfig, facts: Mapping[str, PluginSpec]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"cannot keep features in '{folder}'",
                got=error.strerror or str(error),
                remedy="choose another",
            ) from error
        self._folder = folder
        self._settings = {
            table.name: _settings(description, facts[table.name], table.plugin, table.options)
            for table in description.extractors
            if facts[table.name].kind != "text_extractor"
        }
        self._dim = {name: facts[name].dim for name in self._settings}

    @property
    def names(self) -> set[str]:
        """The extractors whose features are kept; those of texts are not."""
        return set(self._settings)

    def read(self, content: str) -> dict[str, PrecomputedFeatures]:
        """The features known of the audio of that :func:`content`, by the extractor's name."""
        found = {name: _load(self._path(content, name), dim) for name, dim in self._dim.items()}
        return {name: known for name, known in found.items() if known is not None}

    def write(self, content: str, name: str, known: PrecomputedFeatures) -> None:
        """Keeps all features that extractor ``name`` made of that audio."""
        path = self._path(content, name)
        path.parent.mkdir(exist_ok=True)
        spans = np.array(list(known), "<i8").reshape(len(known), 2).tobytes()
        values = np.array(list(known.values()), "<f4").tobytes()
        digest = hashlib.sha256(spans + values).hexdigest()
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_bytes(f"{digest} {len(known)} {self._dim[name]}\n".encode() + spans + values)
        part.replace(path)

    def _path(self, content: str, name: str) -> Path:
        key = hashlib.sha256(f"{content} {self._settings[name]}".encode()).hexdigest()
        return self._folder / key[:2] / key[2:]


def model_hashes(options: Options) -> dict[str, str]:
    """The sha256 of the card, which holds those of the files, of every model that options name."""
    found = {}
    for name, value in options.items():
        if isinstance(value, str):
            try:
                found[name] = content(find_model(value) / CARD)
            except (ModelError, OSError):
                continue  # an option that names no model
    return found


def _settings(description: PipelineConfig, facts: PluginSpec, plugin: str, options: Options) -> str:
    decided: dict[str, Any] = {
        "format": FORMAT,
        "plugin": plugin,
        "version": facts.version,
        "dim": facts.dim,
        "options": options,
        "models": model_hashes(options),
        "stream": description.stream,
        "segments": description.segments,
        "activity": description.activity,
        "libraries": {name: metadata.version(name) for name in ("soundfile", "soxr")},
    }
    return msgspec.json.encode(decided, order="sorted").decode()


def _load(path: Path, dim: int) -> PrecomputedFeatures | None:
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        digest, count, width = head.decode().split()
        rows, columns = int(count), int(width)
    except (OSError, ValueError):
        return None
    if columns != dim or len(body) != rows * (16 + 4 * dim) or hashlib.sha256(body).hexdigest() != digest:
        return None
    spans = np.frombuffer(body, "<i8", 2 * rows).reshape(rows, 2).tolist()
    values = np.frombuffer(body, "<f4", offset=16 * rows).reshape(rows, dim)
    return {(start, stop): read_only(row) for (start, stop), row in zip(spans, values, strict=True)}

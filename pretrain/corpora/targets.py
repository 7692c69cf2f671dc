"""Arousal and valence from the labels a corpus has: a table, read from configs/targets.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from stimmung.engine.config.toml import read_toml
from stimmung.engine.errors import ConfigError, nearest

from .corpus import Corpus, read_corpus

TABLE = "targets.toml"


class Targets:
    """corpus → target → the corpus' own label → the target's label."""

    def __init__(self, path: Path | None = None) -> None:
        self._tables: dict[str, Any] = read_toml(
            path or Path(str(resources.files("stimmung.configs"))) / TABLE
        )

    def mapping(self, corpus: str, target: str) -> dict[str, str]:
        """The table of one corpus and target; raises ConfigError."""
        table = self._tables.get(corpus)
        if not isinstance(table, dict) or not isinstance(table.get(target), dict):
            raise ConfigError(
                f"{TABLE} maps no {target} of corpus '{corpus}'", remedy=nearest(corpus, self._tables)
            )
        return {str(label): str(level) for label, level in table[target].items()}

    def has(self, path: Path, target: str) -> bool:
        """True when the table maps ``target`` for the corpus of this folder or corpus.csv."""
        return target in self._tables.get(_name(path), {})

    def read(
        self, path: Path, target: str, columns: Mapping[str, str] | None = None
    ) -> tuple[Corpus, tuple[str, ...]]:
        """(a corpus of recordings labelled for ``target`` by way of its emotions, the target's labels).

        ``columns`` are the table's own names of columns.
        """
        table = self.mapping(_name(path), target)
        corpus = read_corpus(path, "emotion", list(table), columns=columns)
        mapped = replace(corpus, items=tuple(replace(i, label=table[i.label]) for i in corpus.items))
        return mapped, tuple(level for level in ("low", "medium", "high") if level in table.values())


def _name(path: Path) -> str:
    return (path if path.is_dir() else path.parent).resolve().name

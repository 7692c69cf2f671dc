"""Databases in audformat, as audb delivers them: schemes are targets, splits are partitions.

A scheme called ``speaker`` says who speaks. Segments of a file are recordings of their own.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from stimmung.engine.errors import ConfigError, InputError

from .recording import Recording, part

HEADER = "db.yaml"
SPEAKER, TRANSCRIPT = "speaker", "transcription"


def holds(root: Path) -> bool:
    """True for a folder with a header of audformat."""
    return (root / HEADER).is_file()


def read(root: Path) -> list[Recording]:
    """Every file or segment that has a speaker, with all its schemes as targets."""
    audformat = _library()
    try:
        database = audformat.Database.load(str(root))
    except Exception as error:  # whatever YAML, pandas or pyarrow raise for a damaged database
        raise InputError(f"'{root}' is no database that audformat reads", got=str(error)) from error
    if SPEAKER not in database.schemes:
        raise InputError(
            f"database '{database.name}' does not say who speaks",
            got=f"schemes {', '.join(database.schemes)}",
            expected=f"a scheme '{SPEAKER}'",
        )
    others = [name for name in database.schemes if name != SPEAKER]
    frame = database.get(SPEAKER, others)
    parts = _partitions(database)
    recordings = []
    for (file, start, end), row in audformat.utils.to_segmented_index(frame).iterrows():
        known = row.dropna()
        labels = {name: str(known[name]) for name in known.index if name not in (SPEAKER, TRANSCRIPT)}
        if SPEAKER in known:
            recordings.append(
                Recording(
                    Path(file) if Path(file).is_absolute() else root / file,
                    str(known[SPEAKER]),
                    labels,
                    parts.get(file, ""),
                    str(known.get(TRANSCRIPT, "")),
                    start.total_seconds(),
                    None if end != end else end.total_seconds(),  # NaT: to the end of the file
                )
            )
    return recordings


def _partitions(database: Any) -> dict[str, str]:
    """The partition of each file, by the splits of the tables it is in."""
    found = {}
    for table in database.tables.values():
        if table.split_id is not None:
            partition = part(database.splits[table.split_id].type, database.name)
            for file in table.files:
                found[file] = partition
    return found


def _library() -> Any:
    try:
        importlib.import_module("audformat.utils")
        return importlib.import_module("audformat")
    except ImportError as error:
        raise ConfigError(
            "databases in audformat need a library that is not installed",
            got=str(error),
            remedy="pip install stimmung[audformat]",
        ) from error

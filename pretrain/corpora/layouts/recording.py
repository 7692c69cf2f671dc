"""One recording of a published corpus, with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stimmung.engine.errors import InputError

PARTS = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "devel": "dev",
    "development": "dev",
    "valid": "dev",
    "val": "dev",
    "validation": "dev",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class Recording:
    """Who says what in which file, and the published labels by target.

    ``partition`` is train, dev, test or, where none is published, empty. ``start_s`` and ``stop_s`` bound a
    part of the file; ``stop_s`` is None where it goes on to the end. Labels that were withheld are left out.
    """

    file: Path
    speaker: str
    labels: Mapping[str, str] = field(default_factory=dict)
    partition: str = ""
    transcript: str = ""
    start_s: float = 0.0
    stop_s: float | None = None


def part(name: str, where: object) -> str:
    """The partition by any of its usual names; InputError for another."""
    if name.lower() not in PARTS:
        raise InputError(f"{where}: unknown partition", got=f"'{name}'", expected=", ".join(PARTS))
    return PARTS[name.lower()]


def audio(folder: Path, pattern: str) -> Iterator[Path]:
    """The WAV and FLAC files of a folder by a pattern without suffix, in order."""
    yield from sorted(path for path in folder.glob(pattern) if path.suffix.lower() in (".wav", ".flac"))


def lines(path: Path) -> list[str]:
    """The lines of a text file; InputError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read '{path}'", got=str(error)) from error

"""Plain folders: one a speaker, and in it one a label."""

from __future__ import annotations

from pathlib import Path

from .recording import Recording, audio


def holds(root: Path) -> bool:
    """True for a folder with audio two folders deep."""
    return root.is_dir() and any(audio(root, "*/*/*"))


def read(root: Path) -> list[Recording]:
    """Every recording; its label serves for whatever target is asked for."""
    return [Recording(file, file.parent.parent.name, {"": file.parent.name}) for file in audio(root, "*/*/*")]

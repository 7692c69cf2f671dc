"""Real speech that ships with the project; where it is from and its licences stand beside it."""

from __future__ import annotations

from pathlib import Path

SPEECH = Path(__file__).resolve().parent / "speech.flac"

"""The versions that figures depend on."""

from __future__ import annotations

import platform
from importlib.metadata import version

LIBRARIES = ("stimmung", "numpy", "scipy", "scikit-learn", "safetensors", "soundfile")


def versions() -> dict[str, str]:
    """Python's and those of the libraries, by name."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}

"""Every error a user can meet, in one tree.

    StimmungError
    ├── ConfigError          a pipeline, recipe or command line that cannot be run     exit 2
    │   ├── UnknownPluginError   no installed plugin has that name
    │   └── ModelError           a model that is missing, altered or does not fit
    ├── InputError           audio, text or a corpus that cannot be read               exit 1
    ├── PluginError          a plugin raised, or returned what its contract forbids    exit 1
    ├── WorkerError          a worker process cannot be kept alive                     exit 1
    ├── WireError            a message that does not follow the wire format            exit 1
    └── ProtocolError        an evaluation that would fool its user                    exit 2

Each message is one line: what, got, expected, remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StimmungError(Exception):
    """What went wrong, in one line: what, got, expected, remedy."""

    exit_code = 1

    def __init__(self, what: str, *, got: str = "", expected: str = "", remedy: str = "") -> None:
        self.what = what
        parts = [what]
        if got:
            parts.append(f"got {got}")
        if expected:
            parts.append(f"expected {expected}")
        line = ", ".join(parts)
        super().__init__(" ".join((f"{line}; {remedy}" if remedy else line).split()))


class ConfigError(StimmungError):
    """A pipeline, recipe or command line that cannot be run as written."""

    exit_code = 2


class UnknownPluginError(ConfigError):
    """No installed distribution provides a plugin of that name."""


class ModelError(ConfigError):
    """A model that is missing, altered, or does not fit its pipeline."""


class InputError(StimmungError):
    """Audio, text or a corpus that cannot be read or is unfit to be analysed."""


class PluginError(StimmungError):
    """A plugin raised, or returned what its contract forbids."""


class WorkerError(StimmungError):
    """A worker process that cannot be started or kept alive."""


class WireError(StimmungError):
    """A message that does not follow the wire format; names the field."""


class ProtocolError(StimmungError):
    """An evaluation protocol that would fool its user."""

    exit_code = 2


def nearest(name: str, known: Iterable[str]) -> str:
    """'did you mean …?' with the nearest known name, or the list of what is known."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(names)}" if names else "none is known"

"""What every transcript file is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stimmung.engine.errors import InputError


@dataclass(frozen=True, slots=True)
class Cue:
    """A stretch of text; ``start_s`` and ``stop_s`` are seconds of the recording, None where not given."""

    text: str
    start_s: float | None = None
    stop_s: float | None = None


def seconds(stamp: str, where: str) -> float:
    """``[[hours:]minutes:]seconds`` with a point or a comma → seconds; raises InputError."""
    if not re.fullmatch(r"\s*(\d+:)?(\d+:)?\d+([.,]\d*)?\s*", stamp):
        raise InputError(f"{where}: no time", got=f"'{stamp}'", expected="h:mm:ss.mmm or seconds")
    total = 0.0
    for part in stamp.replace(",", ".").split(":"):
        total = 60 * total + float(part)
    return total

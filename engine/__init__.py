"""The host: streams, segments, votes. It knows no plugin by name.

For notebooks and scripts it offers :func:`open_pipeline`, :func:`as_table` and :class:`ExtractorTransformer`;
each is imported when it is first asked for, so that a plugin's own import stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .notebook import OpenPipeline, as_table, open_pipeline
    from .transformer import ExtractorTransformer

__all__ = ["ExtractorTransformer", "OpenPipeline", "as_table", "open_pipeline"]

_HOMES = {
    "ExtractorTransformer": "transformer",
    "OpenPipeline": "notebook",
    "as_table": "notebook",
    "open_pipeline": "notebook",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""The host: streams, segments, votes. It knows no plugin by name.

For notebooks and scripts it offers :func:`open_pipeline`, :func:`as_table` and :class:`ExtractorTransformer`;
each is imported when it is first asked for, so that a plugin's own import stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.session import OpenPipeline, as_table, open_pipeline
    from .api.sklearn import ExtractorTransformer

__all__ = ["ExtractorTransformer", "OpenPipeline", "as_table", "open_pipeline"]

_HOMES = {
    "ExtractorTransformer": "api.sklearn",
    "OpenPipeline": "api.session",
    "as_table": "api.session",
    "open_pipeline": "api.session",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

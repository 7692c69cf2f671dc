"""Keys of nested tables that nobody knows, each named with the nearest that is known."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from ..errors import ConfigError, nearest


def check_keys(data: Any, kind: Any, where: str, path: str = "") -> None:
    """Raises ConfigError where the tables below ``path`` have a key that ``kind``, a Struct, knows not."""
    kind = plain(kind)
    if typing.get_origin(kind) in (list, tuple) and isinstance(data, list):
        for entry in data:
            check_keys(entry, typing.get_args(kind)[0], where, path)
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(data, Mapping)):
        return
    known = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in data.items():
        if key not in known:
            raise ConfigError(
                f"{where}: unknown key '{path}{key}'", remedy=nearest(key, known) or "remove that line"
            )
        check_keys(value, known[key], where, f"{path}{key}.")


def plain(kind: Any) -> Any:
    """The type without Annotated and without None."""
    if typing.get_origin(kind) is Annotated:
        return plain(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        rest = [arg for arg in typing.get_args(kind) if arg is not type(None)]
        return plain(rest[0]) if len(rest) == 1 else kind
    return kind

"""TOML tables decoded into checked structures; errors name the key and the nearest remedy."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from ..errors import ConfigError
from .keys import check_keys

T = TypeVar("T")
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Options = dict[str, Any]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a description: unknown keys are errors."""


def decode(data: Mapping[str, Any], kind: type[T], where: str) -> T:
    """``data`` as a checked ``kind``; :class:`ConfigError` names the key and the nearest remedy."""
    check_keys(data, kind, where)
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        key = path.strip("`").removeprefix("$.") or "the top level"
        raise ConfigError(f"{where}: {key} is not usable: {what}", remedy="correct that line") from None


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; :class:`ConfigError` when it is missing or malformed."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read {path}", got=error.strerror or "an error") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML", got=str(error), remedy="correct that line") from None

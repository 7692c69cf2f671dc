"""What LLVM code computes with: numbers and contiguous arrays, their types and their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SCALARS = {
    "bool": "i1",
    "int8": "i8",
    "int32": "i32",
    "int64": "i64",
    "float32": "float",
    "float64": "double",
}
RANK = list(SCALARS.values())


class Scalar(NamedTuple):
    """A number: its LLVM type, the text that stands for it, and whether it is a literal of Python's."""

    type: str
    text: str
    literal: bool = False


class Array(NamedTuple):
    """A contiguous array: its elements' LLVM type, its first element's address, its sizes."""

    type: str
    pointer: str
    sizes: tuple[str, ...]


Value = Scalar | Array
Type = tuple[str, int]


def type_of(value: Value) -> Type:
    """Element type and dimensions, 0 of a number."""
    return value.type, len(value.sizes) if isinstance(value, Array) else 0


def real(type_: str) -> bool:
    """Whether it is a floating-point type."""
    return type_ in ("float", "double")


def stored(type_: str) -> str:
    """The type in memory: a truth value takes a byte."""
    return "i8" if type_ == "i1" else type_


def common(a: Scalar, b: Scalar) -> str:
    """The type in which two numbers meet; a literal takes the other's where it can, as in numpy."""
    if a.literal != b.literal:
        literal, other = (a, b) if a.literal else (b, a)
        if real(literal.type) and not real(other.type):
            return "double"
        return max(other.type, "i8", key=RANK.index)
    wide = max(a.type, b.type, key=RANK.index)
    narrow = min(a.type, b.type, key=RANK.index)
    return "double" if wide == "float" and narrow in ("i32", "i64") else wide


def spelled(number: float, type_: str) -> str:
    """A number as LLVM text; floating-point ones by their bits."""
    if not real(type_):
        return str(int(number))
    exact = np.float64(np.float32(number) if type_ == "float" else number)
    return f"0x{exact.view(np.uint64):016X}"


def constant(number: object) -> Scalar:
    """A literal or a constant of a module; one of a numpy type keeps that type."""
    if isinstance(number, np.generic):
        type_ = SCALARS[number.dtype.name]
        return Scalar(type_, spelled(number.item(), type_))
    if isinstance(number, bool):
        return Scalar("i1", str(int(number)))
    if not isinstance(number, int | float):
        raise TypeError(f"got the constant {number!r}, expected a number")
    return Scalar("i64" if isinstance(number, int) else "double", repr(number), True)


def parameters(types: Sequence[Type]) -> tuple[list[Value], str]:
    """Values that stand for parameters of these types, and the parameters as text."""
    values: list[Value] = []
    texts = []
    for i, (type_, dimensions) in enumerate(types):
        if dimensions:
            sizes = tuple(f"%a{i}.{axis}" for axis in range(dimensions))
            values.append(Array(type_, f"%a{i}", sizes))
            texts += [f"ptr noalias %a{i}", *(f"i64 {size}" for size in sizes)]
        else:
            values.append(Scalar(type_, f"%a{i}"))
            texts.append(f"{type_} %a{i}")
    return values, ", ".join(texts)

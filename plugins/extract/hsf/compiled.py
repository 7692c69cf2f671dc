"""Loops that numpy cannot express, or only as many passes, as machine code of the processor at hand.

numba compiles a loop at its first call on a machine; :mod:`.machine_code` keeps the result beside the code,
so that later processes neither compile nor import numba, which alone takes longer than all else here.

A loop is ordinary Python that numba can compile without Python objects and without allocating: numbers,
contiguous arrays, views of them, and calls of functions marked with :func:`compiled_part`. Nothing is
checked: indices must lie inside. Literals meet ``float32`` as ``float64``: write ``np.float32(3)`` where
single precision is meant.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import cache, wraps
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from . import machine_code

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Function = TypeVar("Function", bound=Callable[..., object])
Types = list[tuple[np.dtype[Any], int]]

# Sums may be taken in several lanes at once; numbers are finite. Everything else stays as IEEE 754 has it.
REORDER = {"reassoc", "nnan", "nsz", "contract"}
PARTS: dict[Callable[..., Any], bool] = {}
_compiling = threading.Lock()


def compiled(
    types: str, *, returns: str = "", reorder: bool = False
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """The same function as machine code.

    Parameters
    ----------
    types : str
        The arguments' types, such as ``"float32[:,:] int64[:] float32"``; arrays are contiguous.
    returns : str
        The type of the number it returns; empty where it returns nothing.
    reorder : bool
        Let sums and extremes be taken in several lanes at once: the order is then the processor's, the same
        in every call. Only for loops over finite numbers.

    Raises
    ------
    TypeError
        At a call with an array of another type, or one that is not contiguous.
    """
    parsed = [(np.dtype(name.partition("[")[0]), name.count(":")) for name in types.split()]

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @cache
        def loaded() -> tuple[Callable[..., Any], object]:
            with _compiling:
                return _loaded(function, parsed, returns, reorder)

        @wraps(function)
        def call(*arguments: Arguments.args, **_: Arguments.kwargs) -> Result:
            flat: list[object] = []
            for argument, (kind, dimensions) in zip(arguments, parsed, strict=True):
                if dimensions:
                    flat += _described(argument, kind, dimensions)
                else:
                    flat.append(argument)
            result: Result = loaded()[0](*flat)
            return result

        return call

    return decorate


def compiled_part(*, reorder: bool = False) -> Callable[[Function], Function]:
    """Marks a function that compiled functions of its module call: it becomes part of them."""

    def decorate(function: Function) -> Function:
        PARTS[function] = reorder
        return function

    return decorate


def _described(array: Any, kind: np.dtype[Any], dimensions: int) -> list[int]:
    """Where an array begins, and its sizes; raises TypeError for another kind of array."""
    shape = array.shape
    if array.dtype != kind or len(shape) != dimensions or not array.flags.c_contiguous:
        raise TypeError(f"got {array.dtype} {shape}, expected contiguous {kind} of {dimensions} dimensions")
    return [array.ctypes.data, *shape]


def _loaded(
    function: Callable[..., Any], types: Types, returns: str, reorder: bool
) -> tuple[Callable[..., Any], object]:
    """The callable, and what must live as long as it does."""
    address, owner = machine_code.load(
        function, repr((types, returns, reorder)), lambda: _compile(function, types, returns, reorder)
    )
    arguments: list[Any] = []
    for kind, dimensions in types:
        number = np.ctypeslib.as_ctypes_type(kind)
        arguments += [ctypes.c_void_p, *[ctypes.c_int64] * dimensions] if dimensions else [number]
    result = np.ctypeslib.as_ctypes_type(np.dtype(returns)) if returns else None
    return ctypes.CFUNCTYPE(result, *arguments)(address), owner


def _compile(function: Callable[..., Any], types: Types, returns: str, reorder: bool) -> tuple[str, str]:
    """LLVM code of the function for C callers, addresses and sizes in place of arrays, and its name there."""
    import numba

    parameters: list[str] = []
    arguments: list[str] = []
    signature: list[Any] = []
    for i, (kind, dimensions) in enumerate(types):
        type_ = numba.from_dtype(kind)
        sizes = [f"size{i}_{axis}" for axis in range(dimensions)]
        parameters += [f"argument{i}", *sizes]
        arguments.append(f"carray(argument{i}, ({', '.join(sizes)},))" if sizes else f"argument{i}")
        signature += [numba.types.CPointer(type_), *[numba.int64] * dimensions] if sizes else [type_]
    names = {"loop": _for_numba(function, reorder), "carray": numba.carray}
    exec(f"def entry({', '.join(parameters)}): return loop({', '.join(arguments)})", names)
    result = numba.from_dtype(np.dtype(returns)) if returns else numba.void
    entry = numba.cfunc(result(*signature), error_model="numpy")(names["entry"])
    return entry.inspect_llvm(), entry.native_name


def _for_numba(function: Callable[..., Any], reorder: bool) -> Any:
    """The function for numba's use, and with it the parts that it calls."""
    import numba

    own = function.__globals__
    names = {
        name: _for_numba(value, PARTS[value]) if isinstance(value, FunctionType) and value in PARTS else value
        for name, value in own.items()
        if name in function.__code__.co_names
    }
    plain = FunctionType(function.__code__, {**own, **names}, function.__name__)
    return numba.njit(error_model="numpy", fastmath=REORDER if reorder else False)(plain)

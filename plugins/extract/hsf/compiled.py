"""Loops that numpy cannot express, or only as many passes, as machine code of the processor at hand.

The loops are ordinary Python within the limits of :mod:`.lowering`, which turns them into LLVM code at their
first call; llvmlite, a wheel, turns that into machine code. A whole compiler for Python (numba) would take
three seconds for the same loops at every start of a process, since its cache on disk holds pickles.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from llvmlite import binding as llvm

from .llvm_types import SCALARS
from .lowering import PARTS, Program

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Function = TypeVar("Function", bound=Callable[..., object])

CTYPES = {"i64": ctypes.c_int64, "float": ctypes.c_float, "double": ctypes.c_double, "void": None}
_compiling = threading.Lock()


def compiled(
    types: str, *, reorder: bool = False
) -> Callable[[Callable[Arguments, Result]], Callable[Arguments, Result]]:
    """The same function as machine code for arguments of these types, such as ``"float32[:,:] int64[:]"``.

    ``reorder`` lets sums and extremes be taken in several lanes at once: the order is then the processor's,
    the same in every call. Only for loops over finite numbers.
    """
    parsed = [(np.dtype(name.partition("[")[0]), name.count(":")) for name in types.split()]

    def decorate(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @cache
        def machine_code() -> tuple[Callable[..., Any], object]:
            with _compiling:
                return _machine_code(function, reorder, parsed)

        @wraps(function)
        def call(*arguments: Arguments.args, **_: Arguments.kwargs) -> Result:
            flat: list[object] = []
            for argument, (kind, dimensions) in zip(arguments, parsed, strict=True):
                if dimensions:
                    flat += _described(argument, kind, dimensions)
                else:
                    flat.append(argument)
            result: Result = machine_code()[0](*flat)
            return result

        return call

    return decorate


def compiled_part(*, reorder: bool = False) -> Callable[[Function], Function]:
    """Marks a function that compiled functions call: it becomes part of them."""

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


def _machine_code(
    function: Callable[..., Any], reorder: bool, types: list[tuple[np.dtype[Any], int]]
) -> tuple[Callable[..., Any], object]:
    """The callable, and what must live as long as it does."""
    lowered = [(SCALARS[kind.name], dimensions) for kind, dimensions in types]
    program = Program(function, reorder, lowered)
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3
    )
    module = llvm.parse_assembly("\n".join(program.texts))
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    arguments: list[Any] = []
    for type_, dimensions in lowered:
        described = [ctypes.c_void_p, *[ctypes.c_int64] * dimensions]
        arguments += described if dimensions else [CTYPES[type_]]
    signature = ctypes.CFUNCTYPE(CTYPES[program.result], *arguments)
    return signature(engine.get_function_address("entry")), engine

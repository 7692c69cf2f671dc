"""Loops that numpy cannot express, compiled by numba the first time they run.

Six steps walk along a segment with a state: the RASTA recursion, the pitch path, laying out pitch
periods and separating their noise, thinning of peaks and cutting of segments. In plain Python they take
ten times the budget of a whole window. Compiling them takes about two seconds once a process; nothing is
cached on disk, because numba's cache holds pickles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """The same function as machine code."""
    return _compile(function)


def compiled_part(function: Function) -> Function:
    """The same, with fused multiply-add, to be called from compiled functions only."""
    return _compile(function, no_cpython_wrapper=True, fastmath={"contract"})


def _compile(function: Function, **options: Any) -> Function:
    njit = cast(Any, numba.njit)  # its stubs lack the options that spare wrappers nobody calls
    return cast(Function, njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options)(function))

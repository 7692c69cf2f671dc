"""Loops that numpy cannot express, compiled by numba the first time they run.

Five steps walk along a segment with a state: the RASTA recursion, the pitch path, laying out pitch
periods, thinning of peaks and cutting of segments. In plain Python they take ten times the whole
budget of a window. Compiling all of them takes about a second and a half, once a process; nothing is cached on
disk, because numba's cache holds pickles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """The same function as machine code."""
    return cast(Function, njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function))


def compiled_part(function: Function) -> Function:
    """The same, with fused multiply-add, to be called from compiled functions only."""
    options = {"no_cfunc_wrapper": True, "no_cpython_wrapper": True, "fastmath": {"contract"}}
    return cast(Function, njit(nogil=True, error_model="numpy", **options)(function))

"""Compiled loops do what the same Python does, and refuse what would need more than numbers and arrays."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from stimmung.engine.types import Floats
from stimmung.plugins.extract.hsf import Hsf
from stimmung.plugins.extract.hsf.compiled import compiled, compiled_part
from stimmung.plugins.extract.hsf.frames import Doubles, Ints
from support import syllables


@compiled_part()
def _clipped(value: float, most: float) -> float:
    if value > most:
        return most
    return value


@compiled("float32[:,:] int64[:] bool[:] float64[:,:]")
def _everything(x: Floats, count: Ints, chosen: Any, out: Doubles) -> None:
    for c in range(len(x)):
        here, row = x[c], out[c]
        if not chosen[c]:
            continue
        number = 0
        for t in range(count[c] - 1, -1, -1):
            row[0] += here[t]
            number += here[t] > 0 and (t < 2 or here[t] > here[t - 1])
        inner = here[1 : count[c]]
        row[1] = inner.size
        row[2] = _clipped(np.sqrt(abs(row[0])), 1.5)
        row[3] = number // 2 + number / 4
        i = 0
        while i < inner.size and inner[i] <= 0:
            i += 1
        row[4] = float(inner[i]) if i < inner.size else -1.0
        low, high = row[0], row[1]
        row[0], row[1] = high, low
        x[c, 0] = 1


def arguments() -> tuple[Floats, Ints, Any, Doubles]:
    x = np.random.default_rng(5).normal(size=(6, 40)).astype(np.float32)
    return x, np.arange(30, 36), np.arange(6) % 3 > 0, np.zeros((6, 5))


def ordinary(function: Callable[..., Any]) -> Callable[..., Any]:
    return inspect.unwrap(function)


def test_a_compiled_loop_does_what_the_same_python_does() -> None:
    ours, python = arguments(), arguments()
    _everything(*ours)
    ordinary(_everything)(*python)
    for a, b in zip(ours, python, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert ours[3].any()


def test_an_array_of_another_kind_is_refused() -> None:
    x, count, chosen, out = arguments()
    with pytest.raises(TypeError, match="expected contiguous float32"):
        _everything(x.astype(np.float64), count, chosen, out)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected contiguous float32"):
        _everything(x[:, ::2], count, chosen, out)


@compiled("float64[:]")
def _allocating(x: Doubles) -> None:
    copy = np.zeros(x.size)
    copy[0] = x[0]
    x[:] = 2 * copy


def test_a_loop_that_allocates_is_refused() -> None:
    with pytest.raises(TypeError, match="expected only numbers and arrays"):
        _allocating(np.ones(2))


def test_every_compiled_loop_of_hsf_gives_the_features_of_plain_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = syllables(0.5)
    hsf = Hsf()
    expected = hsf.summarise([hsf.describe(samples)])[0]
    loops = set()
    for module in [m for name, m in sys.modules.items() if name.startswith(Hsf.__module__ + ".")]:
        for name, function in list(vars(module).items()):
            if hasattr(function, "__wrapped__") and name.startswith("_"):
                monkeypatch.setattr(module, name, ordinary(function))
                loops.add(name)
    assert len(loops) > 15
    with np.errstate(all="ignore"):
        found = hsf.summarise([hsf.describe(samples)])[0]
    assert np.isclose(found, expected, rtol=1e-3, atol=1e-3).mean() > 0.995


def test_a_process_that_finds_the_machine_code_of_hsf_imports_no_numba() -> None:
    program = (
        "import sys, numpy as np; from stimmung.plugins.extract.hsf import Hsf; hsf = Hsf(); "
        "hsf.summarise([hsf.describe(np.ones(hsf.rate, np.float32))]); print('numba' in sys.modules)"
    )
    for _ in range(2):  # the first may find none
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

"""Compiled loops do what the same Python does, and refuse what they cannot translate."""

from __future__ import annotations

import inspect
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
def _unknown(x: Doubles) -> None:
    x[0] = sum(x)


@compiled("float64[:]")
def _changing(x: Doubles) -> None:
    value = 0
    value = x[0]
    x[1] = value


@pytest.mark.parametrize(("function", "message"), [(_unknown, "sum"), (_changing, "changes its type")])
def test_what_has_no_translation_is_refused(function: Callable[[Doubles], None], message: str) -> None:
    with pytest.raises((TypeError, KeyError), match=message):
        function(np.zeros(2))


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

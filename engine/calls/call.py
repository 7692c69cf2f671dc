"""One call of one plugin: what is asked, what came of it, and the checks around it.

Every bus performs a call through :func:`perform`, so a plugin that raises or returns what its
contract forbids is named in the same words whether it runs here or in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..errors import PluginError
from ..registry import origin_of
from ..types import Floats, Segment, read_only
from .spec import PluginSpec

Method = Literal["describe", "summarise", "extract", "encode", "predict", "assess"]


@dataclass(frozen=True, slots=True)
class Part:
    """Descriptor rows as one call described them: ``rows`` (n, channels), from its row ``first`` on.

    ``block`` is the number that call's :class:`~stimmung.engine.calls.bus.Answer` gave; a worker that still
    keeps the block need not be sent its rows again.
    """

    block: int
    first: int
    rows: Floats


@dataclass(frozen=True, slots=True)
class Call:
    """One question to ``plugin``, its name in the pipeline; what it carries depends on the method.

    describe: one array (n,) of samples. summarise: the ``parts`` that make up a segment's rows.
    predict, and assess of a classifier that knows distances: one array (1, dim) an input. extract and encode:
    the ``segment`` with its samples or text.
    """

    plugin: str
    method: Method
    arrays: tuple[Floats, ...] = ()
    parts: tuple[Part, ...] = ()
    segment: Segment | None = None


def perform(plugin: Any, facts: PluginSpec, call: Call) -> Floats:
    """The checked result of a call: rows for describe, one vector for all others.

    That of assess is what the methods ``predict`` and ``training_distance`` return, one after the other.
    """
    if call.method == "assess":
        features, count = list(call.arrays), len(facts.labels)
        probabilities = _checked(plugin, facts, "predict", (1, count), lambda: plugin.predict(features))
        distance = _checked(
            plugin, facts, "training_distance", (1,), lambda: plugin.training_distance(features)
        )
        return read_only(np.concatenate([probabilities[0], distance]))
    one = expected_shape(facts, call)
    expected = one if call.method == "describe" else (1, *one)
    result = _checked(plugin, facts, call.method, expected, lambda: _invoke(plugin, call))
    return read_only(result if call.method == "describe" else result[0])


def _checked(
    plugin: Any, facts: PluginSpec, method: str, expected: tuple[int, ...], invoke: Callable[[], Any]
) -> npt.NDArray[np.generic]:
    """What ``method`` returned, of the shape that is expected and finite."""
    try:
        result = invoke()
    except Exception as error:  # a plugin may raise anything; it is named and the stream goes on
        detail = str(error) or "no message"
        raise PluginError(
            f"plugin '{facts.name}' failed in {method}",
            got=f"{type(error).__name__}: {detail}",
            remedy=f"correct it in {origin_of(plugin)}",
        ) from error
    if not isinstance(result, np.ndarray) or result.shape != expected:
        got = f"shape {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
        raise PluginError(
            f"plugin '{facts.name}' returned a wrong result from {method}",
            got=got,
            expected=f"an array of shape {expected}",
            remedy=f"correct what it declares, or {method}, in {origin_of(plugin)}",
        )
    if not np.isfinite(result).all():
        raise PluginError(
            f"plugin '{facts.name}' returned NaN or infinite numbers from {method}",
            expected="finite numbers for any finite audio",
            remedy=f"correct {method} in {origin_of(plugin)}",
        )
    return result


def _invoke(plugin: Any, call: Call) -> Any:
    if call.method == "describe":
        return plugin.describe(call.arrays[0])
    if call.method == "summarise":
        return plugin.summarise([read_only(np.concatenate([part.rows for part in call.parts]))])
    if call.method == "extract":
        return plugin.extract([call.segment])
    if call.method == "encode":
        return plugin.encode([call.segment.text if call.segment else ""])
    return plugin.predict(list(call.arrays))


def expected_shape(facts: PluginSpec, call: Call) -> tuple[int, ...]:
    """The shape of the result :func:`perform` returns for ``call``."""
    if call.method == "describe":
        return facts.rows(len(call.arrays[0])), facts.channels
    if call.method == "assess":
        return (len(facts.labels) + 1,)
    return (len(facts.labels) if call.method == "predict" else facts.dim,)

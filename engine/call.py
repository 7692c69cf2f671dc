"""One call of one plugin: what is asked, what came of it, and the checks around it.

Every bus performs a call through :func:`perform`, so a plugin that raises or returns what its
contract forbids is named in the same words whether it runs here or in a process of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np

from .errors import PluginError
from .normalise import Population
from .plugin import Classifier, Extractor, FrameExtractor, Input, TextExtractor
from .registry import origin_of
from .types import Floats, Segment, read_only

Method = Literal["describe", "summarise", "extract", "encode", "predict"]
Kind = Literal["frame_extractor", "extractor", "text_extractor", "classifier", "detector", "transcriber"]


@dataclass(frozen=True, slots=True)
class Part:
    """Descriptor rows as one call described them: ``rows`` (n, channels), from its row ``first`` on.

    ``block`` is the number that call's :class:`~stimmung.engine.bus.Answer` gave; a worker that still
    keeps the block need not be sent its rows again.
    """

    block: int
    first: int
    rows: Floats


@dataclass(frozen=True, slots=True)
class Call:
    """One question to ``plugin``, its name in the pipeline; what it carries depends on the method.

    describe: one array (n,) of samples. summarise: the ``parts`` that make up a segment's rows.
    predict: one array (1, dim) an input. extract and encode: the ``segment`` with its samples or text.
    """

    plugin: str
    method: Method
    arrays: tuple[Floats, ...] = ()
    parts: tuple[Part, ...] = ()
    segment: Segment | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine must know of a built plugin to wire it, wherever the plugin itself lives."""

    kind: Kind
    name: str
    rate: int = 0
    version: str = ""
    dim: int = 0
    channels: int = 0
    hop: int = 0
    support: int = 0
    target: str = ""
    labels: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    population: tuple[Population | None, ...] = ()
    takes_missing: bool = False


def facts_of(name: str, plugin: object) -> Facts:
    """The facts of a built plugin called ``name``; :class:`PluginError` names an attribute that is unfit."""
    kind: Kind
    fields: tuple[str, ...]
    if isinstance(plugin, FrameExtractor):
        kind, fields = "frame_extractor", ("rate", "version", "dim", "channels", "hop", "support")
    elif isinstance(plugin, Extractor):
        kind, fields = "extractor", ("rate", "version", "dim")
    elif isinstance(plugin, TextExtractor):
        kind, fields = "text_extractor", ("version", "dim")
    elif isinstance(plugin, Classifier):
        kind, fields = "classifier", ("rate", "target", "labels", "inputs")
    else:
        raise PluginError(
            f"plugin '{name}' follows no contract",
            got=f"a {type(plugin).__name__} without the attributes of an extractor or a classifier",
            remedy=f"compare {origin_of(plugin)} with stimmung.engine.plugin",
        )
    facts = declared(kind, name, plugin, fields)
    _check_population(facts, plugin)
    return facts


def declared(kind: Kind, name: str, plugin: object, fields: Sequence[str]) -> Facts:
    """The attributes of a plugin, or of its class; PluginError names one that is unfit."""
    try:
        values = {field: getattr(plugin, field, None) for field in fields}
        if kind == "classifier":
            values["population"] = tuple(getattr(plugin, "population", ()))
            values["takes_missing"] = getattr(plugin, "takes_missing", False)
        facts = msgspec.convert({"kind": kind, "name": name, **values}, Facts)
    except (msgspec.ValidationError, TypeError) as error:
        raise PluginError(
            f"plugin '{name}' declares an unfit attribute: {error}",
            remedy=f"correct it in {origin_of(plugin)}",
        ) from None
    for field in fields:
        value = getattr(facts, field)
        if field != "version" and (not value or (isinstance(value, int) and value < 0)):
            raise PluginError(
                f"plugin '{name}' declares an unfit attribute",
                got=f"{field} = {value!r}",
                expected="more than 0",
                remedy=f"correct it in {origin_of(plugin)}",
            )
    return facts


def _check_population(facts: Facts, plugin: object) -> None:
    if not facts.population:
        return
    got = ["none" if one is None else str(one.dim) for one in facts.population]
    fits = len(got) == len(facts.inputs) and all(
        one is None or (one.dim == needed.dim and one.prior_s > 0)
        for one, needed in zip(facts.population, facts.inputs, strict=True)
    )
    if not fits:
        raise PluginError(
            f"plugin '{facts.name}' declares an unfit attribute",
            got=f"population of {', '.join(got)} features",
            expected=f"one an input or None, {', '.join(str(i.dim) for i in facts.inputs)} features, "
            "prior_s above 0",
            remedy=f"correct it in {origin_of(plugin)}",
        )


def perform(plugin: Any, facts: Facts, call: Call) -> Floats:
    """The checked result of a call: rows for describe, one vector for all others."""
    try:
        result = _invoke(plugin, call)
    except Exception as error:  # a plugin may raise anything; it is named and the stream goes on
        detail = str(error) or "no message"
        raise PluginError(
            f"plugin '{facts.name}' failed in {call.method}",
            got=f"{type(error).__name__}: {detail}",
            remedy=f"correct it in {origin_of(plugin)}",
        ) from error
    one = expected_shape(facts, call)
    expected = one if call.method == "describe" else (1, *one)
    if not isinstance(result, np.ndarray) or result.shape != expected:
        got = f"shape {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
        raise PluginError(
            f"plugin '{facts.name}' returned a wrong result from {call.method}",
            got=got,
            expected=f"an array of shape {expected}",
            remedy=f"correct what it declares, or {call.method}, in {origin_of(plugin)}",
        )
    if not np.isfinite(result).all():
        raise PluginError(
            f"plugin '{facts.name}' returned NaN or infinite numbers from {call.method}",
            expected="finite numbers for any finite audio",
            remedy=f"correct {call.method} in {origin_of(plugin)}",
        )
    return read_only(result if call.method == "describe" else result[0])


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


def expected_shape(facts: Facts, call: Call) -> tuple[int, ...]:
    """The shape of the result :func:`perform` returns for ``call``."""
    if call.method == "describe":
        samples = len(call.arrays[0])
        return max(0, (samples - facts.support) // facts.hop + 1), facts.channels
    return (len(facts.labels) if call.method == "predict" else facts.dim,)

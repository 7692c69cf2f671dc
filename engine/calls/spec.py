"""What the engine knows of a plugin: its kind and the attributes it declares, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ..config.schema import PluginTable
from ..errors import PluginError
from ..models.statistics import OffsetModel, Population
from ..plugin import Classifier, DistanceClassifier, Extractor, FrameExtractor, Input, TextExtractor
from ..registry import check_options, load, origin_of

Kind = Literal["frame_extractor", "extractor", "text_extractor", "classifier", "detector", "transcriber"]


class PluginSpec(msgspec.Struct, frozen=True, kw_only=True):
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
    shortest: int = 0
    offset: OffsetModel | None = None
    distance: bool = False

    @property
    def least(self) -> int:
        """The samples of the shortest segment that gives a descriptor row."""
        return self.shortest or self.support

    def rows(self, samples: int) -> int:
        """How many descriptor rows ``describe`` makes of so many samples."""
        if self.shortest <= samples < self.support:
            return min(self.shortest, 1)
        return max(0, (samples - self.support) // self.hop + 1)


def spec_of(name: str, plugin: object) -> PluginSpec:
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
    _check_offset(facts, plugin)
    return facts


def declared(kind: Kind, name: str, plugin: object, fields: Sequence[str]) -> PluginSpec:
    """The attributes of a plugin, or of its class; PluginError names one that is unfit."""
    try:
        values = {field: getattr(plugin, field, None) for field in fields}
        if kind == "classifier":
            values["population"] = tuple(getattr(plugin, "population", ()))
            values["offset"] = getattr(plugin, "offset", None)
            values["takes_missing"] = getattr(plugin, "takes_missing", False)
            values["distance"] = isinstance(plugin, DistanceClassifier)
        if kind == "frame_extractor":
            values["shortest"] = getattr(plugin, "shortest", 0)
        facts = msgspec.convert({"kind": kind, "name": name, **values}, PluginSpec)
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
    if not 0 <= facts.shortest <= facts.support:
        raise PluginError(
            f"plugin '{name}' declares an unfit attribute",
            got=f"shortest = {facts.shortest}",
            expected=f"0 to its support, {facts.support}",
            remedy=f"correct it in {origin_of(plugin)}",
        )
    return facts


def _check_population(facts: PluginSpec, plugin: object) -> None:
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


def _check_offset(facts: PluginSpec, plugin: object) -> None:
    if facts.offset is None:
        return
    got = facts.offset.misfit()
    if not got and (facts.offset.labels, [facts.offset.dim]) != (facts.labels, [i.dim for i in facts.inputs]):
        got = f"offset of {facts.offset.dim} features and the labels {', '.join(facts.offset.labels)}"
    if got:
        raise PluginError(
            f"plugin '{facts.name}' declares an unfit attribute",
            got=got,
            expected="an offset model of its labels and of its only input's features, without contradictions",
            remedy=f"correct it in {origin_of(plugin)}",
        )


def prepared(table: PluginTable) -> type[Any]:
    """The class of a transcriber, its options checked, once it has loaded what its instances share."""
    kind = load("transcriber", table.plugin)
    options = check_options(kind, table.plugin, table.options, skip=1)
    if hasattr(kind, "prepare"):
        kind.prepare(**options)
    return kind

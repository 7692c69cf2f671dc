"""Checks that the parts of a pipeline fit each other, before any audio is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..calls.spec import PluginSpec
from ..config.schema import ClassifierTable, PipelineConfig
from ..errors import ConfigError, ModelError, nearest


def check(description: PipelineConfig, facts: Mapping[str, PluginSpec]) -> None:
    """Raises one clear error when rates, inputs or lengths of the built plugins do not fit."""
    for table in (*description.extractors, *description.classifiers):
        if facts[table.name].kind != "text_extractor":
            _check_rate(facts[table.name], description.stream.rate)
    _check_transcript(description, facts)
    for table in description.extractors:
        _check_support(facts[table.name], description)
    for table in description.classifiers:
        _check_normalise(table, facts[table.name])
        _check_inputs(facts[table.name], {entry.name: facts[entry.name] for entry in description.extractors})
        if table.normalise == "offset" and texts_of(facts[table.name], facts):
            raise ConfigError(
                f"classifier '{table.name}' reads sentences, which no offset of a speaker moves",
                got='normalise = "offset"',
                remedy="remove that line",
            )
    _check_distance(description, facts)


def targets(description: PipelineConfig, facts: Mapping[str, PluginSpec]) -> list[dict[str, Any]]:
    """What is recognised: each classifier's ``target`` and ``labels``, and the ``track``, audio or text."""
    found = []
    for table in description.classifiers:
        fact = facts[table.name]
        texts = texts_of(fact, facts)
        track = "text" if len(texts) == len(fact.inputs) else "audio"
        found.append({"target": fact.target, "labels": list(fact.labels), "track": track})
    return found


def texts_of(classifier: PluginSpec, facts: Mapping[str, PluginSpec]) -> list[str]:
    """Those of the classifier's inputs that are made of sentences: all, some or none."""
    return [needed.name for needed in classifier.inputs if facts[needed.name].kind == "text_extractor"]


def _check_rate(facts: PluginSpec, rate: int) -> None:
    if facts.rate != rate:
        kind = "classifier" if facts.kind == "classifier" else "extractor"
        raise ModelError(
            f"{kind} '{facts.name}' was trained at {facts.rate} Hz but this stream is {rate} Hz",
            remedy=f"set [stream] rate = {facts.rate} to resample",
        )


def _check_transcript(description: PipelineConfig, facts: Mapping[str, PluginSpec]) -> None:
    texts = {table.name for table in description.extractors if facts[table.name].kind == "text_extractor"}
    if texts and description.transcript is None:
        raise ConfigError(
            f"extractor '{min(texts)}' reads sentences, but this pipeline has no transcript",
            remedy='add [transcript] plugin = "provided", or another transcriber',
        )


def _check_support(facts: PluginSpec, description: PipelineConfig) -> None:
    if facts.kind != "frame_extractor":
        return
    segments, rate = description.segments, description.stream.rate
    # A turn is as long as somebody speaks: one that is too short for an extractor has no features of it.
    key = "longest_s" if segments.kind == "turns" else "shortest_s"
    given_s = segments.longest_s if segments.kind == "turns" else segments.shortest_s
    if facts.least > round(given_s * rate):
        raise ConfigError(
            f"the {key.removesuffix('_s')} segment holds no descriptor row of extractor '{facts.name}'",
            got=f"segments.{key} = {given_s:g}",
            expected=f"at least {facts.least / facts.rate:g} s",
            remedy=f"lengthen {key}",
        )
    if segments.kind == "turns" and facts.shortest and round(segments.hop_s * rate) % facts.hop:
        raise ConfigError(
            f"turns are not answered in step with the descriptor rows of extractor '{facts.name}'",
            got=f"segments.hop_s = {segments.hop_s:g}",
            expected=f"a multiple of {facts.hop / facts.rate:g} s",
            remedy="change hop_s",
        )


def _check_normalise(table: ClassifierTable, facts: PluginSpec) -> None:
    if table.normalise == "offset" and facts.offset is None:
        raise ConfigError(
            f"classifier '{table.name}' cannot infer a speaker's offset: its model has no part for it",
            got='normalise = "offset"',
            expected="a classifier that declares its offset model, such as 'linear'",
            remedy='train it with normalise = "offset", or remove that line',
        )
    if table.normalise == "stream" and not any(facts.population):
        raise ModelError(
            f"classifier '{table.name}' cannot be normalised: its model does not say whom it was trained on",
            got='normalise = "stream"',
            expected="a classifier that declares its population",
            remedy='train it with normalise = "stream", or remove that line',
        )


def _check_distance(description: PipelineConfig, facts: Mapping[str, PluginSpec]) -> None:
    limit, names = description.vote.unsure_beyond, [table.name for table in description.classifiers]
    if limit is not None and names and not any(facts[name].distance for name in names):
        raise ConfigError(
            f"classifier '{names[0]}' does not say how far anything is from its training data",
            got=f"vote.unsure_beyond = {limit:g}",
            expected="a classifier that does, such as 'linear'",
            remedy="remove that line",
        )


def _check_inputs(classifier: PluginSpec, extractors: Mapping[str, PluginSpec]) -> None:
    for needed in classifier.inputs:
        if needed.name not in extractors:
            raise ModelError(
                f"the model of classifier '{classifier.name}' was trained on '{needed.name}', "
                "which this pipeline does not extract",
                got=", ".join(extractors),
                remedy=f'{nearest(needed.name, extractors)} Add [[extractors]] plugin = "{needed.name}"',
            )
        have = extractors[needed.name]
        if have.dim != needed.dim or needed.version not in ("", have.version):
            raise ModelError(
                f"the model of classifier '{classifier.name}' does not fit extractor '{needed.name}'",
                got=f"{have.dim} features, version {have.version}",
                expected=f"{needed.dim} features, version {needed.version or 'any'}",
                remedy="train the model again, or install the version it was trained on",
            )

"""Descriptions: what is right passes, what is wrong is named with its remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stimmung.engine.config.schema import describe, load_description, shipped_pipelines
from stimmung.engine.errors import ConfigError

MINIMAL: dict[str, Any] = {"extractors": [{"plugin": "hsf"}]}


def turns(**segments: Any) -> dict[str, Any]:
    return {"activity": {"plugin": "webrtc"}, "segments": {"kind": "turns", **segments}}


def test_turns_have_a_shortest_of_their_own() -> None:
    segments = describe({**MINIMAL, **turns()}, "here").segments
    assert (segments.shortest_s, segments.longest_s, segments.pause_s, segments.pad_s) == (0.25, 10, 0.5, 0.1)
    assert describe(MINIMAL, "here").segments.shortest_s == 1


def test_a_minimal_description_has_the_documented_defaults() -> None:
    description = describe(MINIMAL, "here")
    assert (description.stream.rate, description.segments.window_s, description.segments.hop_s) == (
        16000,
        5,
        1,
    )
    assert description.bus.transport == "local"
    assert description.extractors[0].name == "hsf"


def test_keys_beside_a_plugin_are_its_options() -> None:
    description = describe({"extractors": [{"plugin": "crnn", "name": "small", "bands": 40}]}, "here")
    assert description.extractors[0].options == {"bands": 40}
    assert description.extractors[0].name == "small"


@pytest.mark.parametrize(
    ("tables", "line"),
    [
        ({"segmants": {}}, "here: unknown key 'segmants'; did you mean 'segments'?"),
        ({"segments": {"widow_s": 3}}, "here: unknown key 'segments.widow_s'; did you mean 'window_s'?"),
        ({"segments": {"hop_s": 0}}, "here: segments.hop_s is not usable: Expected `float` > 0.0"),
        ({"segments": {"hop_s": "1"}}, "here: segments.hop_s is not usable: Expected `float`, got `str`"),
        ({"segments": {"hop_s": 6}}, "segments.hop_s leaves audio between the windows unheard, got 6 s"),
        ({"segments": {"shortest_s": 6}}, "the first window ends after 6 s and misses the beginning"),
        ({"segments": {"hop_s": 2, "shortest_s": 5}}, "the first window ends after 6 s and misses"),
        (
            {"vote": {"span_s": 4}},
            "vote.span_s holds no whole window, got 4 s, expected at least window_s, 5 s",
        ),
        (
            {"segments": {"pause_s": 1}},
            'segments.pause_s says nothing of kind = "windows"; add kind = "turns"',
        ),
        (turns(window_s=5), 'segments.window_s says nothing of kind = "turns"; set longest_s instead'),
        ({"segments": {"kind": "turns"}}, "turns are cut by voice activity, but nothing detects it; add"),
        (turns(longest_s=2.5), "longest_s is no multiple of hop_s, got 2.5 s, expected a multiple of 1 s"),
        (turns(longest_s=0.5), "longest_s is no multiple of hop_s, got 0.5 s, expected a multiple of 1 s"),
        (turns(longest_s=1, shortest_s=2), "segments.shortest_s leaves no turn, got 2 s, expected at most"),
        (turns(pad_s=0.6), "got 0.6 s, expected at most pause_s and hop_s, 0.5 s; shorten pad_s"),
        (turns(longest_s=20), "vote.span_s holds no whole turn, got 10 s, expected at least longest_s, 20 s"),
        ({"bus": {"transport": "tcp"}}, "here: bus.transport is not usable: Invalid enum value 'tcp'"),
        ({"extractors": []}, "here: extractors is not usable: Expected `array` of length >= 1"),
        (
            {"extractors": {"plugin": "hsf"}},
            "here: extractors must be an array of tables; write [[extractors]]",
        ),
        ({"extractors": [{"name": "hsf"}]}, "here: [[extractors]] names no plugin"),
        (
            {"extractors": [{"plugin": "hsf"}, {"plugin": "hsf"}]},
            "here: two entries are called 'hsf'; give one a name of its own",
        ),
    ],
)
def test_what_cannot_be_run_is_named(tables: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        describe({**MINIMAL, **tables}, "here")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_unknown_pipeline_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no pipeline is named 'defualt'; did you mean 'default'\?"):
        load_description("defualt")


def test_a_file_that_is_not_toml_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[stream\nrate = 1")
    with pytest.raises(ConfigError, match=r"mine\.toml is not TOML"):
        load_description(str(path))


@pytest.mark.parametrize("name", sorted(shipped_pipelines()))
def test_every_shipped_pipeline_is_sound(name: str) -> None:
    assert load_description(name).extractors

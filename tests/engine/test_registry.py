"""Plugins are found, loaded and built by name, and a bad one is named in one line with its distribution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stimmung.engine.cli.plugins import show
from stimmung.engine.errors import ConfigError, PluginError, StimmungError, UnknownPluginError
from stimmung.engine.registry import ROLES, build, installed, load, origin, provides


def line(error: type[StimmungError], role: Any, name: str, **options: Any) -> str:
    with pytest.raises(error) as caught:
        build(role, name, options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_built_in_plugins_come_through_the_same_door_as_anyones() -> None:
    found = installed()
    assert origin(found["hsf"]).startswith("stimmung ")
    assert origin(found["acme-level"]) == "acme-speech 1.0"


def test_an_unknown_plugin_names_the_nearest() -> None:
    text = line(UnknownPluginError, "extractor", "acme-levle")
    assert text.startswith("no extractor plugin is called 'acme-levle'; did you mean 'acme-level'?")


def test_a_plugin_cannot_be_used_in_another_role() -> None:
    assert line(ConfigError, "sink", "acme-level") == (
        "plugin 'acme-level' cannot serve as sink, got a extractor; see stimmung plugins"
    )


def test_a_plugin_that_cannot_be_imported_is_named_with_its_distribution() -> None:
    text = line(PluginError, "extractor", "acme-broken")
    assert text.startswith(
        "plugin 'acme-broken' of acme-speech 1.0 cannot be imported, got ModuleNotFoundError"
    )


def test_a_misspelt_hook_names_the_nearest() -> None:
    assert line(PluginError, "extractor", "acme-misspelt") == (
        "plugin 'acme-misspelt' of acme-speech 1.0 implements an unknown hook, "
        "got stimmung_extracter; did you mean 'stimmung_extractor'?"
    )


def test_a_module_without_hooks_is_told_what_is_missing() -> None:
    assert "announces no class" in line(PluginError, "extractor", "acme-empty")


def test_an_unknown_option_names_the_nearest() -> None:
    text = line(ConfigError, "extractor", "acme-faulty", fualt="nan")
    assert text == "plugin 'acme-faulty' has no option 'fualt'; did you mean 'fault'?"


def test_an_option_of_the_wrong_type_is_named() -> None:
    text = line(ConfigError, "extractor", "acme-faulty", above="loud")
    assert text == "option 'above' of plugin 'acme-faulty' is unfit: Expected `float`, got `str`"


def test_a_plugin_without_options_takes_none() -> None:
    assert line(ConfigError, "extractor", "acme-level", bands=4) == (
        "plugin 'acme-level' has no option 'bands'; remove it"
    )


def test_a_plugin_that_fails_to_build_is_named() -> None:
    text = line(PluginError, "extractor", "acme-faulty", fault="build")
    assert text == (
        "plugin 'acme-faulty' of acme-speech 1.0 cannot be built, got RuntimeError: no licence found; "
        "correct its options, or upgrade it"
    )


def install(site: Path, name: str, entry: str) -> None:
    """A distribution of that name with one plugin, whose module nobody has."""
    info = site / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[stimmung]\n{entry}\n")


def test_two_distributions_cannot_share_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = origin(installed()["hsf"])
    install(tmp_path, "twin", "hsf = elsewhere.hsf")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert line(ConfigError, "extractor", "hsf") == (
        f"two distributions provide a plugin 'hsf': twin 1 and {ours}; uninstall one of them"
    )
    assert load("extractor", "acme-level").__name__ == "Level"


def test_what_is_installed_meanwhile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "late" not in installed()
    install(tmp_path, "late", "late = late.plugin")
    assert origin(installed()["late"]) == "late 1"


@pytest.mark.parametrize(
    ("api", "remedy"), [(99, "upgrade stimmung"), (0, "upgrade acme-speech"), ("1", "upgrade acme-speech")]
)
def test_a_plugin_for_another_contract_is_named_with_what_to_upgrade(
    api: object, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load("extractor", "acme-level"), "api", api, raising=False)
    assert line(PluginError, "extractor", "acme-level") == (
        "plugin 'acme-level' of acme-speech 1.0 was written for another contract, "
        f"got api = {api!r}, expected api = 1; {remedy}"
    )


def test_a_module_that_exits_while_it_is_imported_is_named() -> None:
    text = line(PluginError, "extractor", "acme-exit")
    assert text.startswith("plugin 'acme-exit' of acme-speech 1.0 cannot be imported, got SystemExit: 3")


def test_one_bad_plugin_leaves_the_list_of_the_others_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert show([*installed()])
    rows = {row.split()[0]: row for row in capsys.readouterr().out.splitlines()}
    assert "broken" in rows["acme-exit"]
    assert "broken" in rows["acme-misspelt"]
    for name in ("acme-level", "hsf"):
        assert rows[name].split()[1:6] == ["extractor", *origin(installed()[name]).split(), "1", "loads"]


@pytest.mark.parametrize("name", [name for name, entry in installed().items() if "acme" not in name])
def test_every_built_in_plugin_loads_and_says_what_it_is(name: str) -> None:
    classes = provides(installed()[name])
    assert set(classes) <= set(ROLES)
    for role in classes:
        assert load(role, name).__doc__

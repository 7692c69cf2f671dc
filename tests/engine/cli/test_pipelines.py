"""The pipelines that ship are listed with their models and licences, and each can be had as a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from stimmung.engine.cli.pipelines import command
from stimmung.engine.config.schema import load_description, shipped_pipelines
from stimmung.engine.errors import ConfigError
from stimmung.engine.models.cards import load_card, shipped_models


def test_every_pipeline_is_listed_with_each_of_its_models_and_their_licences() -> None:
    done = CliRunner().invoke(command, [], catch_exceptions=False)
    lines = done.output.splitlines()
    for pipeline in shipped_pipelines():
        for table in load_description(pipeline).classifiers:
            card = load_card(shipped_models()[str(table.options["model"])])
            (line,) = [line for line in lines if line.startswith(f"{pipeline} ") and f" {card.name} " in line]
            assert line.split()[1] == card.target
            assert line.endswith(f"  {card.licence}")


def test_a_description_that_was_saved_is_the_pipeline_that_ships(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["default"], catch_exceptions=False)
    (tmp_path / "mine.toml").write_text(done.output, encoding="utf-8")
    assert load_description(str(tmp_path / "mine.toml")) == load_description("default")


def test_a_name_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no pipeline is named 'defautl'; did you mean 'default'"):
        CliRunner().invoke(command, ["defautl"], catch_exceptions=False)

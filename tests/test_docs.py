"""The docs: every command and snippet is executed, every hook and key documented, and the site builds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest
from reader import NOTHING_ELSE, ROOT, blocks, commands, run, settle
from stimmung.engine import config
from stimmung.engine.cards import Card, TrainedOn
from stimmung.engine.config import describe
from stimmung.engine.plugin import Hooks
from stimmung.engine.registry import installed, origin
from stimmung.engine.scaffold import KINDS
from stimmung.pretrain.folds import FoldsTable
from stimmung.pretrain.recipe import ContinuousRecipe, Recipe

DOCS = ROOT / "docs"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
SHOWN = [(name, command) for name, text in PAGES.items() for command in commands(text)]
INCLUDE = re.compile(
    r"^```\{(literalinclude|include)\} (\S+)\n(?::language: (\w+)\n|:.*\n)*```", re.MULTILINE
)


def page(name: str) -> str:
    """A page with what it includes."""

    def included(match: re.Match[str]) -> str:
        text = (DOCS / match.group(2)).read_text(encoding="utf-8")
        return f"```{match.group(3)}\n{text}```" if match.group(3) else ""

    return INCLUDE.sub(included, PAGES[name])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader of the docs has."""
    folder = tmp_path_factory.mktemp("reader")
    settle(folder)
    return folder


@pytest.mark.parametrize(("name", "command"), SHOWN, ids=[f"{name}: {command}" for name, command in SHOWN])
def test_every_command_works(name: str, command: str, folder: Path) -> None:
    assert run(command, folder).stdout


@pytest.mark.parametrize("name", PAGES)
def test_every_pipeline_shown_can_be_read(name: str) -> None:
    for block in blocks(page(name), "toml"):
        tables = tomllib.loads(block)
        if "about" not in tables:
            assert describe(tables, name).extractors


@pytest.mark.parametrize("name", [name for name in PAGES if blocks(page(name), "python")])
def test_every_python_snippet_can_be_executed(name: str, tmp_path: Path) -> None:
    for block in blocks(page(name), "python"):
        (tmp_path / "test_snippet.py").write_text(block, encoding="utf-8")
        tests = "def test_" in block
        command = ["-m", "pytest", "-p", "no:cacheprovider"] if tests else []
        done = subprocess.run(
            [sys.executable, *command, "test_snippet.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": NOTHING_ELSE},
        )
        # The contract's own module imports its siblings relatively: it is executed wherever it is imported.
        assert done.returncode == 0 or "from .types import" in block, done.stdout + done.stderr


def test_every_hook_is_documented() -> None:
    hooks = [name for name in vars(Hooks) if name.startswith("stimmung_")]
    assert len(hooks) > 5
    assert [hook for hook in hooks if f"`{hook}`" not in PAGES["plugins.md"]] == []


def test_every_kind_of_new_plugin_is_documented() -> None:
    assert [kind for kind in KINDS if f"| `{kind}` |" not in PAGES["plugins.md"]] == []


def keys(table: type[msgspec.Struct]) -> set[str]:
    """The keys of a table and of those inside it."""
    found = set()
    for field in msgspec.structs.fields(table):
        found.add(field.name)
        inner = config._plain(field.type)
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            found |= keys(inner)
    return found


def recipe_keys() -> set[str]:
    """The keys of recipes and of folds; those of a plugin's table are a pipeline's."""
    found = keys(Recipe) | keys(ContinuousRecipe) | keys(FoldsTable)
    return found - {*config.OWN_KEYS, "options"} | {"name", "plugin"}


@pytest.mark.parametrize(
    ("name", "documented"),
    [
        ("pipelines.md", keys(config.Description) | {*config.OWN_KEYS}),
        ("train.md", recipe_keys()),
        ("models.md", keys(Card) | keys(TrainedOn)),
    ],
    ids=["pipelines", "recipes", "cards"],
)
def test_every_key_is_documented(name: str, documented: set[str]) -> None:
    text = PAGES[name]
    missing = {key for key in documented if not re.search(rf"`\[*{key}\]*`", text)}
    assert missing == set()


def test_the_site_builds_strictly_and_lists_every_built_in_plugin_with_its_options(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="needs stimmung[docs]")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", str(DOCS), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": NOTHING_ELSE},
    )
    assert done.returncode == 0, done.stderr
    built = (tmp_path / "built_in.html").read_text(encoding="utf-8")
    for name, entry in installed().items():
        if origin(entry).startswith("stimmung "):
            assert re.search(rf"<h3>{name}<", built), name
    assert ">aggressiveness<" in built

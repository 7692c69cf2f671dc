"""The docs: every command and snippet is executed, every hook and key documented, and the site builds."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner
from reader import NOTHING_ELSE, ROOT, blocks, commands, run, settle
from stimmung.engine.cli import group
from stimmung.engine.config import schema
from stimmung.engine.config.keys import plain
from stimmung.engine.config.schema import describe
from stimmung.engine.devtools.scaffold import KINDS
from stimmung.engine.models.cards import Card, TrainedOn
from stimmung.engine.plugin import Hooks
from stimmung.engine.registry import installed, origin
from stimmung.pretrain.evaluation.folds import FoldsTable
from stimmung.pretrain.recipes.joint_recipe import JointRecipe
from stimmung.pretrain.recipes.recipe import ContinuousRecipe, Recipe

DOCS = ROOT / "docs"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
INCLUDE = re.compile(
    r"^```\{(literalinclude|include)\} (\S+)\n(?::language: (\w+)\n|:.*\n)*```", re.MULTILINE
)


def page(name: str) -> str:
    """A page with what it includes."""

    def included(match: re.Match[str]) -> str:
        text = (DOCS / match.group(2)).read_text(encoding="utf-8")
        return f"```{match.group(3)}\n{text}```" if match.group(3) else ""

    return INCLUDE.sub(included, PAGES[name])


@pytest.mark.parametrize("name", [name for name in PAGES if commands(page(name))])
def test_the_commands_of_a_page_work_one_after_the_other(name: str, tmp_path: Path) -> None:
    settle(tmp_path)
    for command in commands(page(name)):
        assert run(command, tmp_path).stdout


def test_no_command_is_shown_that_no_test_executes() -> None:
    """What stands after a prompt is executed here, the blocks of other programs by the tests named."""
    shells = {name: len(blocks(text, "bash")) for name, text in PAGES.items() if "```bash" in text}
    assert shells == {
        "environments.md": 2,  # tests/outside/test_environments.py
        "monitor.md": 1,  # serves until it is ended: tests/engine/monitor/, tests/flow/test_browser.py
        "plugins.md": 1,  # tests/outside/test_new_plugin.py
        "train.md": 1,  # tests/pretrain/training/joint/test_joint.py, test_joint_sentences.py
        "wire.md": 1,  # .ci/run, for tests/outside/test_node.py
    }
    assert blocks(PAGES["wire.md"], "bash")[0].strip() in (ROOT / ".ci" / "run").read_text()
    for name, text in PAGES.items():
        sessions = {"pycon"} if name == "notebook.md" else set()  # tests/test_notebook_page.py
        languages = set(re.findall(r"^```(\w+)$", text, re.MULTILINE))
        assert languages - sessions <= {"bash", "console", "toml", "python"}
        assert not re.search(r"\n\n    \S", text)  # an indented block has no language


def test_every_bench_whose_figures_are_shown_can_be_asked_for() -> None:
    shown = [one for text in PAGES.values() for one in re.findall(r"`stimmung\s(bench\s[^`]+)`", text)]
    assert len(shown) > 10
    for one in shown:
        done = CliRunner().invoke(group, [*one.split(), "--help"])  # options that are not known come first
        assert done.exit_code == 0, f"{one}: {done.output}"


@pytest.mark.parametrize("name", PAGES)
def test_every_pipeline_shown_can_be_read(name: str) -> None:
    for block in blocks(page(name), "toml"):
        tables = tomllib.loads(block)
        if not {"about", "corpora"} & tables.keys():  # these are of recipes
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


def named(text: str) -> list[tuple[str, str]]:
    """The classes, methods and functions that a page says are in a file, each with that file."""
    return re.findall(r"`([A-Za-z_.]+)`\s+in\s+`((?:engine|plugins|pretrain)/[\w/]+\.py)`", text)


def defined(path: Path) -> set[str]:
    """The classes, methods and functions of a file."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_file_of_the_tree_and_every_name_in_it_that_a_page_gives_is_there(name: str) -> None:
    folders = "engine|plugins|pretrain|tests|configs"
    paths = re.findall(rf"`((?:{folders})/[\w/.-]+?\.(?:py|toml))`", PAGES[name])
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    assert [one for one, path in named(PAGES[name]) if one not in defined(ROOT / path)] == []


def test_the_journey_of_a_block_names_where_it_passes() -> None:
    assert len(named(PAGES["flow.md"])) > 20


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
        inner = plain(field.type)
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            found |= keys(inner)
    return found


def recipe_keys() -> set[str]:
    """The keys of recipes and of folds; those of a plugin's table are a pipeline's."""
    found = keys(Recipe) | keys(JointRecipe) | keys(ContinuousRecipe) | keys(FoldsTable)
    return found - {*schema.OWN_KEYS, "options"} | {"name", "plugin"}


@pytest.mark.parametrize(
    ("name", "documented"),
    [
        ("pipelines.md", keys(schema.PipelineConfig) | {*schema.CLASSIFIER_KEYS}),
        ("train.md", recipe_keys()),
        ("models.md", keys(Card) | keys(TrainedOn)),
    ],
    ids=["pipelines", "recipes", "cards"],
)
def test_every_key_is_documented(name: str, documented: set[str]) -> None:
    text = PAGES[name]
    missing = {key for key in documented if not re.search(rf"`\[*{key}\]*`", text)}
    assert missing == set()


def test_the_site_builds_strictly_and_lists_every_command_and_every_built_in_plugin(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="needs stimmung[docs]")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", str(DOCS), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": NOTHING_ELSE},
    )
    assert done.returncode == 0, done.stderr
    commands = (tmp_path / "commands.html").read_text(encoding="utf-8")
    for name in group.list_commands(click.Context(group)):
        assert f"<h2>stimmung {name}<" in commands
    built = (tmp_path / "built_in.html").read_text(encoding="utf-8")
    for name, entry in installed().items():
        if origin(entry).startswith("stimmung "):
            assert re.search(rf"<h3>{name}<", built), name
    assert ">aggressiveness<" in built

"""How Sphinx builds these pages; those of commands and of built-in plugins describe themselves."""

from __future__ import annotations

import inspect
from importlib import metadata
from typing import Any

import click
from stimmung.engine.cli import group
from stimmung.engine.registry import ROLES, installed, origin, provides

project = "Stimmung"
author = "the authors of Stimmung"
version = release = metadata.version("stimmung")
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Stimmung"
html_show_copyright = False
exclude_patterns = ["snippets"]


def setup(app: Any) -> None:
    """Sphinx calls this: pages pass through :func:`fill` as they are read."""
    app.connect("source-read", fill)


def fill(app: Any, name: str, source: list[str]) -> None:
    """Puts what is written by the code in place of its mark."""
    for mark, write in {"<!-- built-in plugins -->": built_in, "<!-- commands -->": commands}.items():
        if mark in source[0]:
            source[0] = source[0].replace(mark, write())


def commands(command: click.Command = group, path: str = "stimmung") -> str:
    """The help of every command, as it is printed."""
    context = click.Context(command, info_name=path, max_content_width=100)
    sections = [f"## {path}\n\n```text\n{command.get_help(context)}\n```"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                sections.append(commands(found, f"{path} {name}"))
    return "\n\n".join(sections)


def built_in() -> str:
    """A section for each role, with the docstring and the options of each plugin that ships."""
    sections = []
    for role in ROLES:
        found = []
        for name, entry in installed().items():
            classes = provides(entry) if origin(entry).startswith("stimmung ") else {}
            if role in classes:
                found.append(_plugin(name, classes[role], skip=role in ("source", "transcriber")))
        if found:
            sections.append(f"## {role.capitalize()}s\n\n" + "\n\n".join(found))
    return "\n\n".join(sections)


def _plugin(name: str, kind: type[Any], *, skip: bool) -> str:
    parameters = [*inspect.signature(kind).parameters.values()][int(skip) :]
    options = [f"| `{p.name}` | `{_typed(p)}` | {_default(p)} |" for p in parameters]
    table = (
        "\n".join(["| option | type | default |", "|---|---|---|", *options]) if options else "No options."
    )
    # Docstrings are reStructuredText.
    return f"### {name}\n\n```{{eval-rst}}\n{inspect.cleandoc(kind.__doc__ or '')}\n```\n\n{table}"


def _typed(parameter: inspect.Parameter) -> str:
    return str(parameter.annotation).replace("|", "or")


def _default(parameter: inspect.Parameter) -> str:
    return "must be given" if parameter.default is parameter.empty else f"`{parameter.default!r}`"
